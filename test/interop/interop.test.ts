import { randomBytes, randomUUID } from "node:crypto";
import { KafkaPubSub } from "@millrace/kafka";
import { RabbitMqPubSub } from "@millrace/rabbitmq";
import { Message, type PubSub, type SubscribeOptions } from "millrace";
import { envelope } from "millrace/forwarder";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { type NotRun, sharedBroker, type TestBroker } from "../brokers/index.ts";
import { type WatermillMessage, WatermillProgram } from "./watermill-program.ts";

interface Provisioning extends PubSub {
  provision(topic: string, options: Pick<SubscribeOptions, "group" | "from">): Promise<void>;
}

interface Side {
  readonly title: string;
  /** What the Go program calls it. */
  readonly kind: string;
  readonly broker: () => TestBroker | NotRun;
  readonly open: (url: string) => Provisioning;
}

const SIDES: readonly Side[] = [
  { title: "Kafka", kind: "kafka", broker: () => sharedBroker("kafka"), open: (url) => new KafkaPubSub({ url, partitioner: "sarama" }) },
  {
    title: "a durable queue of RabbitMQ",
    kind: "amqp-queue",
    broker: () => sharedBroker("rabbitmq"),
    open: (url) => new RabbitMqPubSub({ url, topology: "queue" }),
  },
  {
    title: "a durable pub/sub of RabbitMQ",
    kind: "amqp-pubsub",
    broker: () => sharedBroker("rabbitmq"),
    open: (url) => new RabbitMqPubSub({ url, topology: "pubsub" }),
  },
];
const GROUP = "billing";

let built: WatermillProgram | NotRun;
beforeAll(() => {
  built = WatermillProgram.build();
}, 300_000);
afterAll(() => {
  if (!("notRun" in built)) built.remove();
});

describe.each(SIDES)("with Watermill on $title", ({ kind, broker, open }) => {
  it("TypeScript reads what Go publishes", async (context) => {
    const { go, url, bus, topic } = await set(context, broker, open);
    const sent = samples();
    await go.publish(kind, url, topic, sent);
    expect(inOrderOfId(await readAll(bus, topic, sent.length))).toEqual(inOrderOfId(sent));
  });

  it("Go reads what TypeScript publishes", async (context) => {
    const { go, url, bus, topic } = await set(context, broker, open);
    const sent = samples();
    await bus.publish(
      topic,
      sent.map(({ uuid, metadata, payload }) => new Message(Buffer.from(payload, "base64"), { id: uuid, metadata, key: metadata.key })),
    );
    const read = await go.read(kind, url, topic, GROUP, sent.length);
    expect(inOrderOfId(read)).toMatchObject(inOrderOfId(sent));
  });
});

describe("with Watermill on Kafka", () => {
  it("both languages put a key on the same partition, in the order of publishing", async (context) => {
    const [kafka] = SIDES as readonly [Side, ...Side[]];
    const { go, url, bus, topic } = await set(context, kafka.broker, kafka.open);
    const turns = Array.from({ length: 10 }, (_, turn) => ({ turn, uuid: randomUUID(), byGo: turn % 2 === 0 }));
    for (const { uuid, byGo } of turns) {
      if (byGo) await go.publish("kafka", url, topic, [{ uuid, metadata: { key: "order-7" }, payload: "" }]);
      else await bus.publish(topic, new Message("", { id: uuid, key: "order-7" }));
    }
    // One partition alone keeps the order across publishers.
    expect((await readAll(bus, topic, turns.length)).map(({ uuid }) => uuid)).toEqual(turns.map(({ uuid }) => uuid));
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
async function set(context: TestContext, broker: Side["broker"], open: Side["open"]) {
  if ("notRun" in built) return context.skip(built.notRun);
  const started = broker();
  if ("notRun" in started) return context.skip(started.notRun);
  const { url } = started;
  const bus = open(url);
  context.onTestFinished(() => bus.close());
  const topic = `interop-${randomUUID()}`;
  await bus.provision(topic, { group: GROUP });
  return { go: built, url, bus, topic };
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

async function readAll(bus: PubSub, topic: string, count: number): Promise<readonly WatermillMessage[]> {
  const subscription = await bus.subscribe(topic, { group: GROUP });
  const read: WatermillMessage[] = [];
  for await (const message of subscription) {
    read.push({ uuid: message.id, metadata: Object.fromEntries(message.metadata), payload: Buffer.from(message.payload).toString("base64") });
    message.ack();
    if (read.length === count) break;
  }
  return read;
}

function inOrderOfId(messages: readonly WatermillMessage[]): readonly WatermillMessage[] {
  return messages.toSorted((a, b) => (a.uuid < b.uuid ? -1 : 1));
}
