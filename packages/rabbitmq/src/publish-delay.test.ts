import { Message, type PublishError, type ReceivedMessage, type Subscription } from "millrace";
import { DELAYED_FOR_KEY, DELAYED_UNTIL_KEY } from "millrace/adapter";
import { describe, expect, it } from "vitest";
import { sharedBroker } from "../../../test/brokers/index.ts";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { watermillCodec } from "./codec.ts";
import { DUE, pattern } from "./delay/delay-ends.ts";
import { holdFor } from "./delay/delay-exit.ts";
import { LONGEST_DELAY_MS } from "./delay/delay-route.ts";
import { stepQueueName } from "./delay/delay-steps.ts";
import type { RabbitMqPubSubOptions } from "./options.ts";
import { rabbitMqDelivery } from "./receipt.ts";
import { bareChannel, fresh, openBus, ownRabbitmq, present } from "./testing/with-broker.ts";
import { queueTopology, topicExchangeTopology } from "./topology.ts";

const shared = sharedBroker("rabbitmq");
const MOST_LATE_MS = 1_000;

const texts = (messages: readonly { text(): string }[]): string[] => messages.map((message) => message.text());
const lateOf = (message: ReceivedMessage): number => Date.now() - (message.dueAt as Date).getTime();

/** Reads messages that were held back: how late each is when it comes first, by its text. */
async function lateness(subscription: Subscription, count: number): Promise<ReadonlyMap<string, number>> {
  const late = new Map<string, number>();
  for await (const message of subscription) {
    if (!late.has(message.text())) late.set(message.text(), lateOf(message));
    message.ack();
    if (late.size === count) break;
  }
  return late;
}

async function failureOf(publishing: Promise<void>): Promise<PublishError> {
  return await publishing.then(
    () => Promise.reject(new Error("it was confirmed")),
    (error: unknown) => error as PublishError,
  );
}

/** What a broker does that is killed just after it has confirmed a binding. */
async function forgetGate(url: string, topic: string, delayMs: number): Promise<void> {
  const { gate, word } = holdFor({ exchange: topic, routingKey: "", keep: true }, Date.now() + delayMs, delayMs);
  await (await bareChannel(url)).unbindQueue(gate, DUE, pattern(0, word));
}

interface Setup {
  readonly through: string;
  readonly options: (topic: string) => Partial<RabbitMqPubSubOptions>;
  readonly subscribe: (topic: string) => string;
  readonly address: (topic: string) => { readonly exchange: string; readonly routingKey: string };
}

const TOPOLOGIES: readonly Setup[] = [
  { through: "a fanout exchange", options: () => ({}), subscribe: (topic) => topic, address: (topic) => ({ exchange: topic, routingKey: "" }) },
  {
    through: "a queue",
    options: () => ({ topology: queueTopology() }),
    subscribe: (topic) => topic,
    address: (topic) => ({ exchange: "", routingKey: topic }),
  },
  {
    through: "a topic exchange",
    options: (topic) => ({ topology: topicExchangeTopology({ exchange: `shop-${topic}` }) }),
    subscribe: (topic) => `${topic}.*`,
    address: (topic) => ({ exchange: `shop-${topic}`, routingKey: `${topic}.placed` }),
  },
];

describe("a message that is published with a delay", () => {
  it.each(TOPOLOGIES)("arrives through $through when it is due, as if it were published then", async ({ options, subscribe, address }, context) => {
    const { url } = present(context as never, shared);
    const name = fresh("held");
    const bus = openBus(url, options(name));
    const subscription = await bus.subscribe(subscribe(name), { group: "g" });
    const topic = subscribe(name).replace("*", "placed");
    const given = { key: "k", metadata: { a: "b" } } as const;
    await bus.publish(topic, [
      // Longer than a broker takes that is busy elsewhere to make the queues for it.
      new Message("held", { ...given, id: "held", delayMs: 3_000 }),
      new Message("at once", given),
      new Message("past", { delayMs: 0 }),
    ]);
    const [atOnce, past] = await readSome(subscription, 2);
    expect(texts([atOnce, past] as ReceivedMessage[])).toEqual(["at once", "past"]);
    const held = await takeOne(subscription);
    held.ack();
    expect(lateOf(held)).toBeGreaterThanOrEqual(0);
    expect(lateOf(held)).toBeLessThan(MOST_LATE_MS);
    expect(held).toMatchObject({ id: "held", key: "k" });
    expect(held.delivery).toMatchObject({ topic, attempt: 1 });
    expect(Object.fromEntries(held.metadata)).toEqual({ a: "b", [DELAYED_FOR_KEY]: "3s", [DELAYED_UNTIL_KEY]: held.dueAt?.toISOString() });
    expect(rabbitMqDelivery(held)).toMatchObject({ ...address(name), redelivered: false });
    const properties = (message: ReceivedMessage): unknown => ({ ...rabbitMqDelivery(message)?.properties, headers: undefined });
    expect(properties(held)).toEqual(properties(atOnce as ReceivedMessage));
  });

  it("reaches every group, those too that came while it waited", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("groups");
    const bus = openBus(url);
    const first = await bus.subscribe(topic, { group: "first" });
    const publishing = bus.publish(topic, new Message("held", { delayMs: 1_000 }));
    const second = await bus.subscribe(topic, { group: "second" });
    await publishing;
    expect(texts(await readSome(first, 1))).toEqual(["held"]);
    expect(texts(await readSome(second, 1))).toEqual(["held"]);
  });

  it("is refused beyond 45 days, or wholly where the publisher is told so, and then nothing behind it in its call is sent", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("refused");
    const bus = openBus(url);
    expect(bus.capabilities.maxPublishDelayMs).toBe(LONGEST_DELAY_MS);
    const subscription = await bus.subscribe(topic, { group: "g" });
    const tooLong = new Message("too long", { delayMs: LONGEST_DELAY_MS + 60_000 });
    const error = await failureOf(bus.publish(topic, [new Message("before"), tooLong, new Message("behind")]));
    expect(error).toMatchObject({ code: "DELAY_UNSUPPORTED", retryable: false, outcomes: ["confirmed", "rejected", "rejected"] });
    expect(error.message).toMatch(/DelayingPublisher.*delays/);
    const refusing = openBus(url, { publishDelay: "refuse" });
    expect(refusing.capabilities.maxPublishDelayMs).toBe(0);
    await expect(refusing.publish(topic, new Message("short", { delayMs: 5_000 }))).rejects.toMatchObject({
      code: "DELAY_UNSUPPORTED",
      outcomes: ["rejected"],
    });
    await refusing.publish(topic, [new Message("due", { delayMs: 0 }), new Message("marker")]);
    expect(texts(await readSome(subscription, 3))).toEqual(["before", "due", "marker"]);
    await bus.publish(topic, new Message("longest", { delayMs: LONGEST_DELAY_MS }));
  });

  it("whose time cannot be read is refused", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("unreadable");
    await expect(openBus(url).publish(topic, new Message("x", { metadata: { [DELAYED_UNTIL_KEY]: "soon" } }))).rejects.toMatchObject({
      code: "INVALID_DELAY",
      outcomes: ["rejected"],
    });
  });

  it("is refused with ACCESS_DENIED where the user may not make the queues for it, and messages without a delay pass", async (context) => {
    const broker = present(context, shared);
    const topic = fresh("rights");
    await broker.control("add_user", topic, "secret");
    await broker.control("set_permissions", topic, `^${topic}`, `^(${topic}|amq.default)`, `^${topic}`);
    const bus = openBus(broker.url.replace("guest:guest", `${topic}:secret`));
    const subscription = await bus.subscribe(topic, { group: "g" });
    await expect(bus.publish(topic, [new Message("before"), new Message("later", { delayMs: 60_000 })])).rejects.toMatchObject({
      code: "ACCESS_DENIED",
      outcomes: ["confirmed", "rejected"],
    });
    await bus.publish(topic, new Message("after"));
    expect(texts(await readSome(subscription, 2))).toEqual(["before", "after"]);
    await broker.control("set_permissions", topic, `^(${topic}|millrace.delay.)`, `^(${topic}|amq.default|millrace.delay.)`, `^(${topic}|millrace.delay.)`);
    await expect
      .poll(
        () =>
          bus.publish(topic, new Message("allowed", { delayMs: 500 })).then(
            () => "confirmed",
            (error: PublishError) => error.code,
          ),
        { timeout: 20_000 },
      )
      .toBe("confirmed");
    expect(texts(await readSome(subscription, 1))).toEqual(["allowed"]);
  });

  it("is held back for all of its time although its codec gives it a time to live", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("expiring");
    const inner = watermillCodec();
    const codec = {
      ...inner,
      encode: (message: Message) => {
        const { content, properties } = inner.encode(message);
        return { content, properties: { ...properties, expiration: "100" } };
      },
    };
    const bus = openBus(url, { codec });
    const subscription = await bus.subscribe(topic, { group: "g" });
    await bus.publish(topic, new Message("held", { delayMs: 800 }));
    const [late] = (await lateness(subscription, 1)).values();
    expect(late).toBeGreaterThanOrEqual(0);
  });

  it("goes to the alternate exchange when no queue takes it, as others do", async (context) => {
    const { url } = present(context, shared);
    const [topic, aside] = [fresh("alternate"), fresh("aside")];
    const channel = await bareChannel(url);
    await channel.assertExchange(aside, "fanout", { autoDelete: true });
    const arrived = Promise.withResolvers<string | undefined>();
    const { queue } = await channel.assertQueue("", { exclusive: true });
    await channel.bindQueue(queue, aside, "");
    await channel.consume(queue, (message) => arrived.resolve(message?.content.toString()), { noAck: true });
    const bus = openBus(url, { exchange: { alternateExchange: aside } });
    await bus.publish(topic, new Message("nobody is there", { delayMs: 200 }));
    expect(await arrived.promise).toBe("nobody is there");
  });

  it("waits when no queue takes it until one does, and is dropped where that is no error", { timeout: 120_000 }, async (context) => {
    const broker = await ownRabbitmq(context);
    // How long the broker waits before it offers again what nobody took: three minutes.
    await broker.control("eval", "application:set_env(rabbit, dead_letter_worker_publisher_confirm_timeout, 1000).");
    const topic = fresh("later");
    const bus = openBus(broker.url, { exchange: {} });
    const careless = openBus(broker.url, { exchange: {}, mandatory: false });
    const deliverAt = new Date(Date.now() + 3_000);
    await bus.publish(topic, new Message("kept", { deliverAt }));
    await careless.publish(topic, new Message("dropped", { deliverAt }));
    await new Promise((resolve) => setTimeout(resolve, 4_500)); // both are due, and nobody was there
    const subscription = await bus.subscribe(topic, { group: "g" });
    expect(texts(await readSome(subscription, 1))).toEqual(["kept"]);
    await bus.publish(topic, new Message("marker"));
    expect(texts(await readSome(subscription, 1))).toEqual(["marker"]);
  });

  it("survives a broker that is killed again and again, wherever it is on its way", { timeout: 180_000 }, async (context) => {
    const broker = await ownRabbitmq(context);
    const topic = fresh("killed");
    const bus = openBus(broker.url, { exchange: {} });
    const subscription = await bus.subscribe(topic, { group: "g", maxInFlight: 100, orderBy: "none" });
    await bus.publish(
      topic,
      Array.from({ length: 600 }, (_, index) => new Message(String(index), { delayMs: 500 + index * 40 })),
    );
    const reading = lateness(subscription, 600);
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 2_000 + round * 700));
      await broker.restart();
    }
    const late = await reading;
    expect(Math.min(...late.values())).toBeGreaterThanOrEqual(0);
  });

  it("arrives although the broker has forgotten its last queue, as any other", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("forgotten");
    const bus = openBus(url);
    const subscription = await bus.subscribe(topic, { group: "g", maxInFlight: 50, orderBy: "none" });
    await bus.publish(
      topic,
      Array.from({ length: 50 }, (_, index) => new Message(String(index), { metadata: { a: "b" }, delayMs: 1_500 + index })),
    );
    await forgetGate(url, topic, 1_500);
    const arrived = await readSome(subscription, 50);
    expect(new Set(texts(arrived)).size).toBe(50);
    for (const message of arrived) expect(Object.keys(Object.fromEntries(message.metadata)).sort()).toEqual([DELAYED_FOR_KEY, DELAYED_UNTIL_KEY, "a"].sort());
  });

  it("arrives although a killed broker comes back without its last queue, and nobody publishes any more", { timeout: 120_000 }, async (context) => {
    const broker = await ownRabbitmq(context);
    const topic = fresh("forgotten");
    const bus = openBus(broker.url);
    const subscription = await bus.subscribe(topic, { group: "g" });
    await bus.publish(topic, new Message("held", { delayMs: 3_000 }));
    await forgetGate(broker.url, topic, 3_000);
    await new Promise((resolve) => setTimeout(resolve, 2_500)); // long enough for the broker to write it down
    await broker.restart();
    expect(texts(await readSome(subscription, 1))).toEqual(["held"]);
  });

  it("is held back although somebody deleted a queue for that: it is told, and the queue made again", async (context) => {
    const broker = await ownRabbitmq(context);
    const topic = fresh("deleted");
    const bus = openBus(broker.url);
    const subscription = await bus.subscribe(topic, { group: "g", maxInFlight: 2, orderBy: "none" });
    await bus.publish(topic, new Message("first", { delayMs: 2_000 }));
    expect(texts(await readSome(subscription, 1))).toEqual(["first"]);
    const channel = await bareChannel(broker.url);
    await channel.deleteQueue(stepQueueName(3, 4));
    const error = await failureOf(bus.publish(topic, new Message("second", { delayMs: 2_000 })));
    expect(error).toMatchObject({ code: "UNROUTABLE", retryable: true, outcomes: ["rejected"] });
    await bus.publish(topic, new Message("third", { delayMs: 2_000 }));
    for await (const message of subscription) {
      expect(message.text()).toBe("third");
      if (message.delivery.attempt === 3) {
        message.ack();
        break;
      }
      // A nacked message finds its way by itself.
      if (message.delivery.attempt === 2) await channel.deleteQueue(stepQueueName(3, 4));
      message.nack({ delayMs: 2_000 });
    }
  });
});
