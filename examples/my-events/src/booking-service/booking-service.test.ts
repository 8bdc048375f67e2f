import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Message } from "millrace";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contents, rebuild } from "../event-log/index.ts";
import { type Api, aLocation, anEvent, hall, startApi } from "../testing/api.ts";
import { view } from "../view/index.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";

describe("BookingService", () => {
  let api: Api;
  let location: string;
  let event: string;
  beforeEach(async () => {
    api = await startApi();
    location = (await api.events("POST", "/locations", aLocation())).body.id;
    event = (await api.events("POST", "/events", anEvent(location, { hall: "Loft" }))).body.id;
    await api.deliver();
  });
  afterEach(() => api.close());

  const book = (seats: unknown, key?: string): ReturnType<Api["bookings"]> =>
    api.bookings("POST", `/events/${event}/bookings`, { seats, userId: "ann" }, key === undefined ? {} : { "idempotency-key": key });
  const seatsLeft = async (): Promise<unknown> => (await api.bookings("GET", `/events/${event}`)).body.seatsLeft;

  it("knows locations and events from what EventService told", async () => {
    expect((await api.bookings("GET", "/locations")).body).toEqual((await api.events("GET", "/locations")).body);
    const { body } = await api.events("GET", "/events");
    expect((await api.bookings("GET", "/events")).body).toEqual([{ ...body[0], seatsLeft: 50 }]);
    expect((await api.bookings("GET", `/events/${event}`)).body).toEqual({ ...body[0], seatsLeft: 50 });
  });

  it("answers a booking with 201, its address and itself", async () => {
    const { status, headers, body } = await book(3);
    expect(status).toBe(201);
    expect(body).toEqual({ id: body.id, eventId: event, seats: 3, userId: "ann", createdAt: new Date(api.clock.now).toISOString() });
    expect((await api.bookings("GET", headers.get("location") as string)).body).toEqual(body);
    expect((await api.bookings("GET", `/events/${event}/bookings`)).body).toEqual([body]);
    expect(await seatsLeft()).toBe(47);
  });

  it("leaves the user out when nobody is named", async () => {
    const { body } = await api.bookings("POST", `/events/${event}/bookings`, { seats: 1 });
    expect(body).not.toHaveProperty("userId");
    expect((await api.bookings("GET", `/events/${event}/bookings`)).body).toEqual([body]);
  });

  it("tells EventService of bookings", async () => {
    await book(2);
    await book(1);
    await api.deliver();
    const mine = (await api.bookings("GET", `/events/${event}/bookings`)).body;
    expect((await api.events("GET", `/events/${event}/bookings`)).body).toEqual(mine);
    expect(mine.map(({ seats }: { seats: number }) => seats)).toEqual([2, 1]);
    expect((await api.events("GET", `/events/${NOBODY}/bookings`)).status).toBe(404);
  });

  it.each([
    [{ seats: 0 }, "/seats"],
    [{ seats: 1.5 }, "/seats"],
    [{ seats: "1" }, "/seats"],
    [{}, "/seats"],
    [{ seats: 1, userId: 7 }, "/userId"],
  ])("answers 422 for %j", async (body, pointer) => {
    const answer = await api.bookings("POST", `/events/${event}/bookings`, body);
    expect([answer.status, answer.body.code, answer.body.errors[0].pointer]).toEqual([422, "invalid", pointer]);
  });

  it.each([NOBODY, "nonsense"])("answers 404 for a booking of the event %s", async (id) => {
    expect((await api.bookings("POST", `/events/${id}/bookings`, { seats: 1 })).body.code).toBe("not_found");
    expect((await api.bookings("GET", `/events/${id}/bookings`)).status).toBe(404);
  });

  it("answers 409 sold_out when fewer seats are left than wanted, and books what fits", async () => {
    expect((await book(48)).status).toBe(201);
    const { status, headers, body } = await book(3);
    expect([status, headers.get("content-type"), body.code]).toEqual([409, "application/problem+json", "sold_out"]);
    expect((await book(2)).status).toBe(201);
    expect((await book(1)).status).toBe(409);
    expect(await seatsLeft()).toBe(0);
  });

  it("gives the first 409 again under its key, also when seats have come free", async () => {
    await book(50);
    const first = await book(1, "late");
    await api.events("PUT", `/locations/${location}`, aLocation({ halls: [hall(500, "Loft")] }));
    await api.deliver();
    const again = await book(1, "late");
    expect([again.status, again.headers.get("content-type")]).toEqual([409, "application/problem+json"]);
    expect(again.body).toEqual(first.body);
    expect((await book(2, "late")).body.code).toBe("idempotency_mismatch");
    expect((await book(1, "later")).status).toBe(201);
  });

  it("counts all halls for an event without one", async () => {
    const { body } = await api.events("POST", "/events", anEvent(location));
    await api.deliver();
    expect((await api.bookings("GET", `/events/${body.id}`)).body.seatsLeft).toBe(150);
  });

  it("cancels nothing when capacity falls below what is booked", async () => {
    await book(40);
    await api.events("PUT", `/locations/${location}`, aLocation({ halls: [hall(10, "Loft")] }));
    await api.deliver();
    expect(await seatsLeft()).toBe(0);
    expect((await book(1)).body.code).toBe("sold_out");
    expect((await api.bookings("GET", `/events/${event}/bookings`)).body).toHaveLength(1);
    await api.events("PUT", `/locations/${location}`, aLocation({ halls: [hall(60, "Loft")] }));
    await api.deliver();
    expect(await seatsLeft()).toBe(20);
  });

  it("takes no bookings for a removed event and keeps the old ones readable", async () => {
    const { body } = await book(2);
    await api.events("DELETE", `/events/${event}`);
    await api.deliver();
    expect((await book(1)).body.code).toBe("not_found");
    expect((await api.bookings("GET", `/events/${event}`)).status).toBe(404);
    expect((await api.bookings("GET", `/events/${event}/bookings`)).body).toEqual([body]);
  });

  it("answers as of a moment, with the seats that were left then", async () => {
    const moments: string[] = [];
    for (const seats of [10, 20, 5]) {
      await book(seats);
      moments.push(new Date(api.clock.now).toISOString());
      api.clock.now += 1000;
    }
    await api.events("DELETE", `/events/${event}`);
    await api.deliver();
    const left = await Promise.all(moments.map(async (at) => (await api.bookings("GET", `/events/${event}?at=${at}`)).body.seatsLeft));
    expect(left).toEqual([40, 20, 15]);
    const counts = await Promise.all(moments.map(async (at) => (await api.bookings("GET", `/events/${event}/bookings?at=${at}`)).body.length));
    expect(counts).toEqual([1, 2, 3]);
    expect((await api.bookings("GET", `/events?at=${moments[0]}`)).body).toHaveLength(1);
    expect((await api.bookings("GET", `/events?at=${new Date(api.clock.now).toISOString()}`)).body).toEqual([]);
    expect((await api.bookings("GET", `/events/${event}?at=soon`)).body.code).toBe("malformed");
  });

  it("never books more than there is, with 60 clients at once", async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => book(1)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(50);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(10);
  });

  it("reaches the same view whatever the order of the messages, and when each comes twice", async () => {
    const gone = (await api.events("POST", "/events", anEvent(location))).body.id;
    await api.events("PUT", `/events/${event}`, anEvent(location, { name: "Ballet" }));
    await api.events("PUT", `/locations/${location}`, aLocation({ name: "Mill" }));
    await api.events("DELETE", `/events/${gone}`);
    const other = (await api.events("POST", "/locations", aLocation())).body.id;
    await api.events("DELETE", `/locations/${other}`);
    const told: Parameters<NonNullable<Parameters<Api["deliver"]>[0]>>[0] = [];
    await api.deliver((messages) => {
      told.push(...messages);
      return messages;
    });
    const expected = contents(api.bookingsDatabase, view);
    const earlier = api.eventsDatabase.prepare("SELECT id, name, data FROM event_log ORDER BY position").all();
    for (let run = 0; run < 20; run++) {
      const fresh = await startApi();
      const all = [...earlier, ...earlier].map((row) => ({ row, place: Math.random() })).sort((a, b) => a.place - b.place);
      for (const { row } of all) await fresh.bookingsJournal.hear(row.name as never, new Message(String(row.data), { id: String(row.id) }));
      expect(contents(fresh.bookingsDatabase, view)).toBe(expected);
      await fresh.close();
    }
  });

  it("hides an event until its location is known", async () => {
    const fresh = await startApi();
    await fresh.events("POST", "/locations", aLocation());
    const id = (await fresh.events("GET", "/locations")).body[0].id;
    const { body } = await fresh.events("POST", "/events", anEvent(id));
    const held: Parameters<NonNullable<Parameters<Api["deliver"]>[0]>>[0] = [];
    await fresh.deliver((messages) => {
      held.push(...messages.filter(([name]) => name === "location.created"));
      return messages.filter(([name]) => name !== "location.created");
    });
    expect((await fresh.bookings("GET", "/events")).body).toEqual([]);
    expect((await fresh.bookings("POST", `/events/${body.id}/bookings`, { seats: 1 })).status).toBe(404);
    for (const [name, message] of held) await fresh.bookingsJournal.hear(name, message);
    expect((await fresh.bookings("POST", `/events/${body.id}/bookings`, { seats: 1 })).status).toBe(201);
    await fresh.close();
  });

  it("refuses a message that breaks its contract, and changes nothing", async () => {
    const before = contents(api.bookingsDatabase, view);
    await expect(api.bookingsJournal.hear("event.created", new Message("not json"))).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
    await expect(api.bookingsJournal.hear("event.created", Message.json({ id: event }))).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
    expect(contents(api.bookingsDatabase, view)).toBe(before);
  });

  it("equals its rebuild, as does EventService", async () => {
    for (const seats of [1, 2, 3]) await book(seats);
    await api.events("PUT", `/events/${event}`, anEvent(location, { name: "Ballet" }));
    await api.deliver();
    expect((await rebuild(api.bookingsDatabase, view)).same).toBe(true);
    expect((await rebuild(api.eventsDatabase, view)).same).toBe(true);
  });
});

describe("BookingService on one database with others", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "my-events-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("never books more than there is, from several services at once", async () => {
    const paths = { bookings: join(folder, "bookings.db") };
    const services = [await startApi(paths), await startApi(paths), await startApi(paths)];
    const [first] = services as [Api];
    const location = (await first.events("POST", "/locations", aLocation())).body.id;
    const event = (await first.events("POST", "/events", anEvent(location, { hall: "Loft" }))).body.id;
    await first.deliver();
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, n) => (services[n % 3] as Api).bookings("POST", `/events/${event}/bookings`, { seats: 1 })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(50);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(70);
    for (const service of services) await service.close();
  });

  it("waits for a locked database without blocking anybody else, then books", async () => {
    const path = join(folder, "bookings.db");
    const api = await startApi({ bookings: path });
    const location = (await api.events("POST", "/locations", aLocation())).body.id;
    const event = (await api.events("POST", "/events", anEvent(location))).body.id;
    await api.deliver();
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    let booked = false;
    const booking = api.bookings("POST", `/events/${event}/bookings`, { seats: 1 }).finally(() => {
      booked = true;
    });
    for (let n = 0; n < 20; n++) expect((await api.bookings("GET", `/events/${event}`)).body.seatsLeft).toBe(150);
    expect(booked).toBe(false);
    other.exec("COMMIT");
    other.close();
    expect((await booking).status).toBe(201);
    await api.close();
  });

  it("answers 503 unavailable when the disk is full, and goes on when there is room", async () => {
    const api = await startApi({ bookings: join(folder, "bookings.db") });
    const location = (await api.events("POST", "/locations", aLocation())).body.id;
    const event = (await api.events("POST", "/events", anEvent(location))).body.id;
    await api.deliver();
    const { page_count: pages } = api.bookingsDatabase.prepare("PRAGMA page_count").get() as { page_count: number };
    api.bookingsDatabase.exec(`PRAGMA max_page_count = ${pages}`);
    const long = { seats: 1, userId: "x".repeat(50_000) };
    const { status, body } = await api.bookings("POST", `/events/${event}/bookings`, long);
    expect([status, body.code]).toEqual([503, "unavailable"]);
    expect((await api.bookings("GET", `/events/${event}/bookings`)).body).toEqual([]);
    api.bookingsDatabase.exec("PRAGMA max_page_count = 1000000");
    expect((await api.bookings("POST", `/events/${event}/bookings`, long)).status).toBe(201);
    await api.close();
  });
});
