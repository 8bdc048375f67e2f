import type { Channel, GetMessage, Options } from "amqplib";
import { MemoryPubSub, Message, PermanentError, type ReceivedMessage, Router } from "millrace";
import { Forwarder, ForwardingPublisher } from "millrace/forwarder";
import { poisonQueue } from "millrace/middleware";
import { describe, expect, it, onTestFinished, type TestContext } from "vitest";
import { sharedBroker } from "../../../test/brokers/index.ts";
import { readSome } from "../../../test/read-some.ts";
import { watermillCodec } from "./codec.ts";
import type { RabbitMqPubSub } from "./pub-sub.ts";
import { rabbitMqDelivery } from "./receipt.ts";
import { bareChannel, fresh, openBus, present } from "./testing/with-broker.ts";

const shared = sharedBroker("rabbitmq");

const HEADERS = {
  n: 17,
  f: 1.5,
  yes: true,
  none: null,
  bytes: Buffer.from([0, 255]),
  at: { "!": "timestamp", value: 1_700_000_000 },
  list: ["x", 1, Buffer.from([254])],
  table: { a: "b" },
  text: "x",
};
const PROPERTIES = {
  ...{ type: "order", contentType: "application/json", contentEncoding: "gzip", correlationId: "c-1", priority: 5 },
  ...{ replyTo: "answers", expiration: "600000", messageId: "m-1", timestamp: 1_700_000_000, appId: "shop" },
};

interface Desk {
  readonly bus: RabbitMqPubSub;
  readonly channel: Channel;
  readonly topic: string;
  readonly out: string;
}

async function desk(context: TestContext): Promise<Desk> {
  const { url } = present(context, shared);
  const [topic, out] = [fresh("native"), fresh("native-out")];
  const bus = openBus(url);
  await Promise.all([bus.provision(topic, { group: "g" }), bus.provision(out, { group: "g" })]);
  const channel = await bareChannel(url);
  return { bus, channel, topic, out };
}

function publish({ channel, topic }: Desk, more: Options.Publish = {}): void {
  channel.publish(topic, "", Buffer.from("x"), { headers: HEADERS, ...PROPERTIES, ...more });
}

describe("what only RabbitMQ knows of a message", () => {
  const ways: readonly (readonly [string, (desk: Desk, message: ReceivedMessage) => Promise<void>])[] = [
    ["published again as it is", ({ bus, out }, message) => bus.publish(out, message)],
    [
      "copied with another key and more metadata",
      ({ bus, out }, m) => bus.publish(out, m.copy({ key: "k", metadata: new Map([...m.metadata, ["more", "x"]]) })),
    ],
    ["derived", ({ bus, out }, message) => bus.publish(out, message.derive({ context: [] }))],
    ["relayed by way of an outbox", throughOutbox],
  ];
  it.for(ways)("is on the wire again when it is %s", async ([, send], context) => {
    const at = await desk(context);
    publish(at);
    const [message] = await readSome(await at.bus.subscribe(at.topic, { group: "g" }), 1);
    const arriving = arrivedIn(at);
    await send(at, message as ReceivedMessage);
    expectSame(await arriving);
  });

  it.for(["dead letter", "poison queue"])("is on the wire again in the %s", async (kind, context) => {
    const at = await desk(context);
    const router = new Router({ subscriber: at.bus, ...(kind === "dead letter" ? { failure: { deadLetter: { publisher: at.bus, topic: at.out } } } : {}) });
    onTestFinished(() => router.close());
    if (kind === "poison queue") router.addMiddleware(poisonQueue({ publisher: at.bus, topic: at.out }));
    router.addConsumerHandler({
      ...{ name: "h", subscribe: at.topic, group: "g" },
      handle: () => {
        throw new PermanentError("no", { code: "NO" });
      },
    });
    await router.start();
    publish(at);
    const letter = await arrivedIn(at);
    expectSame(letter);
    expect(letter.properties.headers).toMatchObject({ reason_poisoned: expect.stringContaining("no") });
  });

  it("is with bytes in the dead letter that nobody could decode, as are headers and key", async (context) => {
    const at = await desk(context);
    const subscription = await at.bus.subscribe(at.topic, {
      group: "g",
      undecodable: async ({ payload, key, metadata, native }) => {
        expect(native?.family).toBe("rabbitmq");
        await at.bus.publish(at.out, Object.assign(new Message(payload, { key, metadata }), { [Symbol.for("millrace.native")]: native }));
      },
    });
    const reading = readSome(subscription, 1);
    publish(at, { headers: { ...HEADERS, millrace_key: "k", _watermill_message_uuid: true } });
    const letter = await arrivedIn(at);
    expectSame(letter);
    expect(letter.properties.headers).toMatchObject({ millrace_key: "k" });
    await at.bus.publish(at.topic, new Message("good"));
    await reading;
  });

  it("gives way to what the message says instead, and to its codec", async (context) => {
    const at = await desk(context);
    const plain = watermillCodec();
    const codec = { ...plain, encode: (m: Message) => ({ ...plain.encode(m), properties: { ...plain.encode(m).properties, contentType: "text/plain" } }) };
    const bus = openBus(present(context, shared).url, { codec });
    publish(at);
    const [message] = await readSome(await at.bus.subscribe(at.topic, { group: "g" }), 1);
    const changed = new Map([...(message as ReceivedMessage).metadata, ["n", "18"]]);
    changed.delete("bytes");
    const arriving = arrivedIn(at);
    await bus.publish(at.out, (message as ReceivedMessage).copy({ metadata: changed }));
    const { properties } = await arriving;
    expect(properties).toMatchObject({ contentType: "text/plain", type: "order" });
    expect(properties.headers).toMatchObject({ n: "18", f: 1.5 });
    expect(properties.headers).not.toHaveProperty("bytes");
  });
});

describe("a time to live", () => {
  it("is kept by a message that was nacked, and is over in the end, in the queue's dead-letter exchange", async (context) => {
    const { url } = present(context, shared);
    const [topic, dead] = [fresh("expiring"), fresh("expired")];
    const channel = await bareChannel(url);
    await channel.assertQueue(dead, { autoDelete: true });
    await channel.bindQueue(dead, "amq.direct", dead);
    const bus = openBus(url, { queue: { deadLetterExchange: "amq.direct", deadLetterRoutingKey: dead, expiresMs: 300_000 } });
    const subscription = await bus.subscribe(topic, { group: "g", maxInFlight: 10, orderBy: "none" });
    const expired = new Promise<string>((resolve) => void channel.consume(dead, (message) => resolve(String(message?.content)), { noAck: true }));
    channel.publish(topic, "", Buffer.from("long"), { headers: {}, expiration: "60000" });
    channel.publish(topic, "", Buffer.from("short"), { headers: {}, expiration: "1000" });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const message of subscription) {
        seen.push(`${message.text()} ${message.delivery.attempt} ${rabbitMqDelivery(message)?.properties.expiration}`);
        if (message.text() === "last") message.ack();
        else message.nack({ delayMs: message.text() === "long" && message.delivery.attempt < 3 ? 50 : 1_500 });
        if (message.text() === "last") return;
      }
    })();
    expect(await expired).toBe("short");
    await bus.publish(topic, new Message("last"));
    await reading;
    expect(seen.filter((each) => each.startsWith("short"))).toEqual(["short 1 1000"]);
    expect(seen.filter((each) => each.startsWith("long")).slice(0, 3)).toEqual(["long 1 60000", "long 2 60000", "long 3 60000"]);
  });

  it("is shown by a message that was published with a delay, and counts from its first nack", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("due");
    const plain = watermillCodec();
    const codec = { ...plain, encode: (m: Message) => ({ ...plain.encode(m), properties: { ...plain.encode(m).properties, expiration: "60000" } }) };
    const bus = openBus(url, { codec });
    const subscription = await bus.subscribe(topic, { group: "g", maxInFlight: 2, orderBy: "none" });
    await bus.publish(topic, new Message("x", { delayMs: 100 }));
    const [message] = await readSome(subscription, 1, false);
    const shown = rabbitMqDelivery(message as ReceivedMessage);
    expect([shown?.properties.expiration, shown?.headers.millrace_expires_at]).toEqual(["60000", undefined]);
    const nackedAt = Date.now();
    message?.nack({ delayMs: 50 });
    const [again] = await readSome(subscription, 1);
    const counted = rabbitMqDelivery(again as ReceivedMessage);
    expect(counted?.properties.expiration).toBe("60000");
    expect(Number(counted?.headers.millrace_expires_at)).toBeGreaterThanOrEqual(nackedAt + 60_000);
    expect(Object.fromEntries(again?.metadata ?? [])).not.toHaveProperty("millrace_expires_at");
  });
});

async function throughOutbox({ bus, out }: Desk, message: ReceivedMessage): Promise<void> {
  const outbox = new MemoryPubSub({ persistent: true });
  const forwarder = new Forwarder({ subscriber: outbox, publisher: bus });
  onTestFinished(async () => {
    await forwarder.close();
    await outbox.close();
  });
  await new ForwardingPublisher({ publisher: outbox }).publish(out, message);
  await forwarder.start();
}

/** What arrives in `out`, as it is on the wire. */
function arrivedIn({ channel, out }: Desk): Promise<GetMessage> {
  return new Promise((resolve) => void channel.consume(`${out}_g`, (message) => resolve(message as unknown as GetMessage), { noAck: true }));
}

function expectSame({ properties, content }: GetMessage): void {
  expect(properties).toMatchObject({ ...PROPERTIES, deliveryMode: 2 });
  expect(properties.headers).toMatchObject(HEADERS);
  expect(content.toString()).toBe("x");
}
