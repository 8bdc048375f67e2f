import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { connect, Message, type PubSub, type ReceivedMessage, Router, silentLogger } from "millrace";
import { DELAYED_FOR_KEY, DELAYED_UNTIL_KEY } from "millrace/adapter";
import { envelope } from "millrace/forwarder";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import type { NotRun } from "../brokers/index.ts";
import { readSome } from "../read-some.ts";
import { KAFKA, opened, RABBITMQ, SIDES, type Side, SQLITE, temporaryFolder } from "./sides.ts";
import { type WatermillMessage, WatermillProgram } from "./watermill-program.ts";

const GROUP = "billing";
/** Where Watermill's requeuer counts. */
const RETRIES = "_watermill_requeuer_retries";
const ADAPTERS = { kafka: () => import("@millrace/kafka"), amqp: () => import("@millrace/rabbitmq"), sqlite: () => import("@millrace/sql") };
/** Text, and bytes that are none: two of them would become the same text. */
const KEYS = [Buffer.from("order-7 <é>"), Buffer.of(200), Buffer.of(201), Buffer.of(0), Buffer.of(0xff, 0xfe, 0x41)];

let built: WatermillProgram | NotRun;
beforeAll(() => {
  built = WatermillProgram.build();
}, 300_000);
afterAll(() => {
  if (!("notRun" in built)) built.remove();
});

describe.each(SIDES)("with Watermill on $title", (side) => {
  it("TypeScript reads what Go publishes", async (context) => {
    const { go, url, bus, topic, source } = await set(context, side);
    const sent = samples();
    await go.publish(side.kind, url, topic, sent);
    expect(inOrderOfId((await readAll(bus, source, sent.length)).map(asWatermill))).toEqual(inOrderOfId(sent));
  });

  it("Go reads what TypeScript publishes", async (context) => {
    const { go, url, bus, topic, source } = await set(context, side);
    const sent = samples();
    await bus.publish(
      topic,
      sent.map(({ uuid, metadata, payload }) => new Message(Buffer.from(payload, "base64"), { id: uuid, metadata, key: metadata.key })),
    );
    const read = await go.read(side.kind, url, source, GROUP, sent.length);
    expect(inOrderOfId(read)).toMatchObject(inOrderOfId(sent));
  });

  // Watermill's adapters for these brokers hold nothing back: its delayed tables are those of PostgreSQL and MySQL, and a bucket of Bolt.
  it("what Go delays comes at once, and tells TypeScript when it is due", async (context) => {
    const { go, url, bus, topic, source } = await set(context, side);
    const began = Date.now();
    await go.publish(side.kind, url, topic, [{ uuid: randomUUID(), metadata: {}, payload: "", delay: "1h30m" }]);
    const [read] = await readAll(bus, source, 1);
    const inMs = (read?.dueAt?.getTime() ?? Number.NaN) - began;
    expect(inMs).toBeGreaterThan(90 * 60_000 - 1_000); // whole seconds are written
    expect(inMs).toBeLessThan(90 * 60_000 + (Date.now() - began));
    expect(read?.metadata.get(DELAYED_FOR_KEY)).toBe("1h30m0s");
  });
});

describe("with Watermill on Kafka", () => {
  it("both languages put a key on the same partition, in the order of publishing, also one of bytes that are no UTF-8", async (context) => {
    for (const key of [Buffer.from("order-7"), Buffer.of(0xff, 0x00, 201)]) {
      const { go, url, bus, topic } = await set(context, KAFKA);
      const turns = Array.from({ length: 10 }, (_, turn) => ({ uuid: randomUUID(), byGo: turn % 2 === 0 }));
      for (const { uuid, byGo } of turns) {
        if (byGo) await go.publish("kafka", url, topic, [{ uuid, metadata: {}, payload: "", key: key.toString("base64") }]);
        else await bus.publish(topic, new Message("", { id: uuid, key }));
      }
      // One partition alone keeps the order across publishers.
      expect((await readAll(bus, topic, turns.length)).map(({ id }) => id)).toEqual(turns.map(({ uuid }) => uuid));
    }
  });

  it("keys of any bytes are the same in both languages", async (context) => {
    const { go, url, bus, topic } = await set(context, KAFKA);
    const byGo = KEYS.map((key) => ({ uuid: randomUUID(), metadata: {}, payload: "", key: key.toString("base64") }));
    await go.publish("kafka", url, topic, byGo);
    expect(inOrderOfId((await readAll(bus, topic, KEYS.length)).map(withKey))).toEqual(inOrderOfId(byGo));
    const there = await set(context, KAFKA);
    const byUs = KEYS.map((key) => new Message("", { key }));
    await there.bus.publish(there.topic, byUs);
    expect(inOrderOfId(await go.read("kafka", url, there.topic, GROUP, KEYS.length))).toMatchObject(inOrderOfId(byUs.map(withKey)));
  });
});

describe.each(SIDES.filter((side) => side !== KAFKA))("with Watermill on $title, which has no keys", (side) => {
  it("Go sees a key as metadata, and a message that it passes on has its key again", async (context) => {
    const { go, url, bus, topic, source } = await set(context, side);
    const sent = KEYS.map((key) => new Message("", { key }));
    await bus.publish(topic, sent);
    const seen = await go.read(side.kind, url, source, GROUP, KEYS.length);
    const next = await set(context, side);
    await go.publish(side.kind, next.url, next.topic, seen);
    expect(inOrderOfId((await readAll(next.bus, next.source, KEYS.length)).map(withKey))).toEqual(inOrderOfId(sent.map(withKey)));
  });
});

// Readers in Go refuse what RabbitMQ itself held back, for the header that it adds: a store holds it back for them.
describe.each([
  { side: SQLITE, stored: false },
  { side: KAFKA, stored: true },
  { side: RABBITMQ, stored: true },
])("a delayed message of TypeScript on $side.title", ({ side, stored }) => {
  it("is read by Go when it is due and not before, and tells the time", async (context) => {
    const { go, url, topic } = await set(context, side);
    const store = stored ? { delays: `sqlite:${join(temporaryFolder(context), "delays.db")}?retention=consumed` } : {};
    const bus = await connect(side === RABBITMQ ? `${url}?publishDelay=refuse` : url, ADAPTERS, store);
    context.onTestFinished(() => bus.close());
    const message = new Message("later", { delayMs: 1_500 });
    await bus.publish(topic, message);
    const [read] = await go.read(side.kind, url, topic, GROUP, 1);
    expect(Date.now()).toBeGreaterThanOrEqual((message.dueAt as Date).getTime());
    expect(read).toMatchObject({ uuid: message.id, metadata: Object.fromEntries(message.metadata), payload: Buffer.from("later").toString("base64") });
    expect(read?.metadata[DELAYED_UNTIL_KEY]).toBe((message.dueAt as Date).toISOString());
  });
});

describe.each([SQLITE, KAFKA, RABBITMQ])("a dead letter of TypeScript on $title", (side) => {
  it("is brought back to its topic by Watermill's requeuer, and handled", async (context) => {
    const { go, url, bus, topic } = await set(context, side);
    const dead = `${topic}-dead`;
    const requeuers = "requeuers";
    await bus.provision(dead, { group: requeuers });
    const router = new Router({ subscriber: bus, logger: silentLogger });
    context.onTestFinished(() => router.close());
    const handled = Promise.withResolvers<ReceivedMessage>();
    router.addConsumerHandler({
      name: "bill",
      subscribe: topic,
      group: GROUP,
      failure: { attempts: 1, deadLetter: { publisher: bus, topic: dead } },
      handle: (message) => {
        if (!message.metadata.has(RETRIES)) throw new Error("the ledger is locked");
        handled.resolve(message);
      },
    });
    await router.start();
    const message = new Message("o-1", { metadata: { tenant: "acme" } });
    await bus.publish(topic, message);
    await go.requeue(side.kind, url, dead, requeuers, 1);
    const again = await handled.promise;
    expect(again.id).toBe(message.id);
    expect(again.text()).toBe("o-1");
    expect(Object.fromEntries(again.metadata)).toMatchObject({
      tenant: "acme",
      topic_poisoned: topic,
      reason_poisoned: "the ledger is locked",
      [RETRIES]: "1",
    });
  });
});

describe("Watermill's forwarder", () => {
  it("reads envelopes of Millrace, with and without a key, and passes the key over", async (context) => {
    if ("notRun" in built) return context.skip(built.notRun);
    const keys = [undefined, "order-7 <é>", "", Uint8Array.of(0xff, 0x00)];
    const sent = keys.map((key, index) => new Message(`payload ${index}`, { key, metadata: { tenant: "acme" } }));
    const envelopes = sent.map((message) => envelope("orders", message));
    const forwarded = await built.forward(envelopes.map(({ id, payload }) => ({ uuid: id, metadata: {}, payload: Buffer.from(payload).toString("base64") })));
    expect(forwarded).toEqual(
      sent.map(({ id, payload }) => ({ topic: "orders", uuid: id, metadata: { tenant: "acme" }, payload: Buffer.from(payload).toString("base64") })),
    );
  });
});

/** A new topic with a group that is waiting on it, and both sides. */
async function set(context: TestContext, side: Side) {
  if ("notRun" in built) return context.skip(built.notRun);
  const there = opened(context, side);
  await there.bus.provision(there.source, { group: GROUP });
  return { go: built, ...there };
}

/** Text, no text, nothing, much; with and without keys and metadata. */
function samples(): readonly WatermillMessage[] {
  const payloads = [Buffer.from('{"id":"o-1"}'), Buffer.from("Ünïcode ✓"), Buffer.alloc(0), Buffer.from([0, 255, 128, 10, 13]), randomBytes(200_000)];
  return Array.from({ length: 50 }, (_, index) => ({
    uuid: randomUUID(),
    metadata: index % 3 === 0 ? {} : { key: `order-${index % 7}`, correlation_id: `c-${index}`, empty: "", ключ: "значение ✓" },
    payload: (payloads[index % payloads.length] as Buffer).toString("base64"),
  }));
}

async function readAll(bus: PubSub, source: string, count: number): Promise<readonly ReceivedMessage[]> {
  const subscription = await bus.subscribe(source, { group: GROUP });
  const read = await readSome(subscription, count);
  await subscription.close();
  return read;
}

const asWatermill = ({ id, metadata, payload }: Message): WatermillMessage => ({
  uuid: id,
  metadata: Object.fromEntries(metadata),
  payload: Buffer.from(payload).toString("base64"),
});

const withKey = (message: Message): WatermillMessage => ({ ...asWatermill(message), key: Buffer.from(message.keyBytes as Uint8Array).toString("base64") });

function inOrderOfId(messages: readonly WatermillMessage[]): readonly WatermillMessage[] {
  return messages.toSorted((a, b) => (a.uuid < b.uuid ? -1 : 1));
}
