import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Message, type PubSub, silentLogger } from "millrace";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openBroker } from "../broker/open-broker.ts";
import { type Config, loadConfig } from "../config/index.ts";
import type { EventName } from "../contracts/index.ts";
import { type Answer, aLocation, anEvent, call } from "../testing/api.ts";
import { until } from "../testing/until.ts";
import { DEAD_LETTERS } from "./broker-link.ts";
import { type RunningService, startService } from "./start-service.ts";

describe.each(["memory:", "sqlite:"])("the services over %s", (scheme) => {
  let folder: string;
  let config: Config;
  let broker: PubSub;
  let events: RunningService;
  let bookings: RunningService;
  let flow: string[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "my-events-"));
    config = { ...loadConfig({ env: { DATA_DIR: folder } }), ports: { events: 0, bookings: 0, page: 0 } };
    broker = await openBroker(scheme === "memory:" ? scheme : config.brokerUrl, silentLogger);
    flow = [];
    events = await start("events");
    bookings = await start("bookings");
    await Promise.all([events.linked, bookings.linked]);
  });
  afterEach(async () => {
    await Promise.all([events.close(), bookings.close()]);
    await broker.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (name: "events" | "bookings"): Promise<RunningService> =>
    startService({ name, config, broker, logger: silentLogger, announce: (direction, event) => flow.push(`${name} ${direction} ${event}`) });
  const get = (service: RunningService, path: string): Promise<Answer> => call(service.url, "GET", path);
  const post = async (service: RunningService, path: string, body: unknown): Promise<string> => (await call(service.url, "POST", path, body)).body.id;

  it("lets a location, an event and a booking appear in the other service", async () => {
    const location = await post(events, "/locations", aLocation());
    const event = await post(events, "/events", anEvent(location));
    await until(
      () => get(bookings, `/events/${event}`),
      ({ body }) => body.seatsLeft === 150,
    );
    const booking = await post(bookings, `/events/${event}/bookings`, { seats: 2 });
    await until(
      () => get(events, `/events/${event}/bookings`),
      ({ body }) => body[0]?.id === booking,
    );
    expect(flow.toSorted()).toEqual(
      [
        "bookings heard event.created",
        "bookings heard location.created",
        "bookings told event.booked",
        "events heard event.booked",
        "events told event.created",
        "events told location.created",
      ].toSorted(),
    );
  });

  it("says how it is, and how its handlers are", async () => {
    expect((await get(events, "/health")).body).toEqual({ status: "ok", service: "events", pid: process.pid });
    const { body } = await get(bookings, "/handlers");
    expect(body).toHaveLength(7);
    expect(body[6]).toMatchObject({ name: "bookings.forwarder", topic: "outbox", state: "running" });
    expect(body[0]).toMatchObject({ name: "bookings.location.created", topic: "location.created", state: "running", handled: 0 });
  });

  it("puts a malformed message aside as a dead letter, and goes on with the next", async () => {
    const letters = await broker.subscribe(DEAD_LETTERS, { group: "operator" });
    // Over memory a publish ends when everybody has acked, the reader of the dead letters too.
    const publishing = Promise.all(
      ["not json", '{"id":"1"}', "", "[]", "null"].map((payload, n) => broker.publish("location.created", new Message(payload, { id: `bad-${n}` }))),
    );
    const aside = new Set<string>();
    for await (const letter of letters) {
      letter.ack();
      expect(letter.metadata.get("topic_poisoned")).toBe("location.created");
      if (aside.add(letter.id).size === 5) break;
    }
    await publishing;
    expect([...aside].toSorted()).toEqual(["bad-0", "bad-1", "bad-2", "bad-3", "bad-4"]);
    const location = await post(events, "/locations", aLocation());
    await until(
      () => get(bookings, "/locations"),
      ({ body }) => body[0]?.id === location,
    );
    expect((await get(bookings, "/locations")).body).toHaveLength(1);
    expect((await get(bookings, "/health")).body.status).toBe("ok");
    await letters.close();
  });

  it("takes a message in once, however often it comes", async () => {
    const location = await post(events, "/locations", aLocation());
    await until(
      () => get(bookings, "/locations"),
      ({ body }) => body.length === 1,
    );
    const change = { ...aLocation({ name: "Twice" }), id: location, version: 2, sequence: 1, occurredAt: new Date().toISOString() };
    for (let n = 0; n < 3; n++) await broker.publish("location.updated", Message.json(change, { id: "the-same" }));
    await until(
      async () => (await get(bookings, "/handlers")).body.find(({ topic }: { topic: EventName }) => topic === "location.updated"),
      ({ handled }) => handled === 3,
    );
    expect(flow.filter((line) => line === "bookings heard location.updated")).toHaveLength(1);
    expect((await get(bookings, "/locations")).body[0].name).toBe("Twice");
  });

  it("takes in what came while its database was locked", async () => {
    const other = new DatabaseSync(config.databases.bookings, { timeout: 1_000 });
    other.exec("BEGIN IMMEDIATE");
    const location = await post(events, "/locations", aLocation());
    for (let n = 0; n < 10; n++) expect((await get(bookings, "/locations")).body).toEqual([]);
    other.exec("ROLLBACK");
    other.close();
    await until(
      () => get(bookings, "/locations"),
      ({ body }) => body[0]?.id === location,
    );
  });

  it("catches up with what happened while it was away", async () => {
    const location = await post(events, "/locations", aLocation());
    const event = await post(events, "/events", anEvent(location));
    await until(
      () => get(bookings, `/events/${event}`),
      ({ status }) => status === 200,
    );
    await bookings.close();
    const renamed = await call(events.url, "PUT", `/events/${event}`, anEvent(location, { name: "Ballet" }));
    expect(renamed.status).toBe(200);
    bookings = await start("bookings");
    await until(
      () => get(bookings, `/events/${event}`),
      ({ body }) => body.name === "Ballet",
    );
  });
});
