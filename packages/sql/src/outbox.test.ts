import { MemoryPubSub, Message, MillraceError, type Publisher, silentLogger } from "millrace";
import { Forwarder, ForwardingPublisher } from "millrace/forwarder";
import { describe, expect, it } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();

/** Publishes texts to a topic of the broker, within a transaction of their own on the database of the outbox. */
async function write(texts: readonly string[], topic: string, end: "COMMIT" | "ROLLBACK" = "COMMIT"): Promise<void> {
  const database = file.connect();
  const outbox = new ForwardingPublisher({ publisher: file.open().within(database) });
  database.exec("BEGIN IMMEDIATE");
  await outbox.publish(
    topic,
    texts.map((text) => new Message(text, { metadata: { text } })),
  );
  database.exec(end);
}

describe("an outbox in the database", () => {
  it("brings to the broker what was committed, in order and once, and nothing that was rolled back", async () => {
    const broker = new MemoryPubSub({ persistent: true });
    await using forwarder = new Forwarder({ subscriber: file.open(), publisher: broker, logger: silentLogger });
    await write(["1", "2"], "order.placed");
    await write(["lost"], "order.placed", "ROLLBACK");
    await forwarder.start();
    await write(["a"], "order.paid");
    await write(["3"], "order.placed");
    const placed = await readSome(await broker.subscribe("order.placed", { group: "g", from: "earliest" }), 3);
    expect(placed.map((message) => [message.text(), message.metadata.get("text")])).toEqual([
      ["1", "1"],
      ["2", "2"],
      ["3", "3"],
    ]);
    await forwarder.idle();
    await broker.publish("order.placed", new Message("end"));
    await broker.publish("order.paid", new Message("end"));
    const all = async (topic: string, count: number): Promise<string[]> =>
      (await readSome(await broker.subscribe(topic, { group: "all", from: "earliest" }), count)).map((message) => message.text());
    expect(await all("order.placed", 4)).toEqual(["1", "2", "3", "end"]);
    expect(await all("order.paid", 2)).toEqual(["a", "end"]);
    await broker.close();
  });

  it("keeps what the broker refuses, across forwarders, and brings it in order once it is back", async () => {
    const arrived: string[] = [];
    let away = true;
    let refused = 0;
    const broker: Publisher = {
      publish: async (_, messages) => {
        if (away) {
          refused++;
          throw new MillraceError("no broker answers", { code: "BROKER_UNREACHABLE", retryable: true });
        }
        for (const message of [messages].flat() as Message[]) arrived.push(message.text());
      },
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
    const open = (): Forwarder =>
      new Forwarder({ subscriber: file.open(), publisher: broker, failure: { minDelayMs: 1, maxDelayMs: 5 }, logger: silentLogger });
    await write(["1", "2", "3"], "order.placed");
    const first = open();
    await first.start();
    await expect.poll(() => refused).toBeGreaterThan(2);
    await first.close({ timeoutMs: 0 });
    away = false;
    await using second = open();
    await second.start();
    await write(["4"], "order.placed");
    await expect.poll(() => arrived.length).toBe(4);
    await second.idle();
    expect(arrived).toEqual(["1", "2", "3", "4"]);
  });
});
