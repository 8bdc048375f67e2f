import type { Message as AmqpMessage } from "amqplib";
import { Message, type PublishError } from "millrace";
import { describe, expect, it } from "vitest";
import { sharedBroker } from "../../../test/brokers/index.ts";
import { readSome } from "../../../test/read-some.ts";
import { RabbitMqPubSub } from "./pub-sub.ts";
import { rabbitMqDelivery } from "./receipt.ts";
import { bareChannel, fresh, openBus, present } from "./testing/with-broker.ts";
import { pubSubTopology, queueTopology, topicExchangeTopology } from "./topology.ts";

const shared = sharedBroker("rabbitmq");
const texts = (messages: readonly { text(): string }[]): string[] => messages.map((message) => message.text());

describe("the pub/sub topology", () => {
  it("gives each of two groups every message, and shares one group's among its members", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("order.placed");
    const bus = openBus(url);
    const [mail, one, two] = await Promise.all(["mail", "billing", "billing"].map((group) => bus.subscribe(topic, { group })));
    await bus.publish(
      topic,
      Array.from({ length: 20 }, (_, index) => new Message(String(index))),
    );
    const seen: string[] = [];
    const all = Promise.withResolvers<void>();
    for (const member of [one, two]) {
      void (async () => {
        for await (const message of member as NonNullable<typeof member>) {
          seen.push(message.text());
          message.ack();
          if (seen.length === 20) all.resolve();
        }
      })();
    }
    expect(texts(await readSome(mail as NonNullable<typeof mail>, 20)).length).toBe(20);
    await all.promise;
    expect(new Set(seen).size).toBe(20);
  });

  it("declares what Watermill declares: a durable fanout exchange named as the topic, a durable queue topic_group", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("watermill");
    const bus = new RabbitMqPubSub({ url });
    await bus.provision(topic, { group: "billing" });
    await bus.close();
    const channel = await bareChannel(url);
    await channel.assertExchange(topic, "fanout", { durable: true });
    await channel.assertQueue(`${topic}_billing`, { durable: true }); // other arguments would be refused
    await channel.deleteQueue(`${topic}_billing`);
    await channel.deleteExchange(topic);
  });

  it("writes what is not durable without the broker's disk", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("transient");
    const bus = openBus(url, { topology: pubSubTopology({ durable: false }) });
    const subscription = await bus.subscribe(topic, { group: "g" });
    await bus.publish(topic, new Message("m"));
    const [message] = await readSome(subscription, 1);
    expect(rabbitMqDelivery(message as NonNullable<typeof message>)?.properties.deliveryMode).not.toBe(2);
    const channel = await bareChannel(url);
    await expect(channel.assertExchange(topic, "fanout", { durable: true, autoDelete: true })).rejects.toThrow(/PRECONDITION/);
  });

  it("gives a reader without a group all messages, and takes its queue away when it closes", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("groupless");
    const bus = openBus(url);
    const [one, two] = [await bus.subscribe(topic), await bus.subscribe(topic)];
    await bus.publish(topic, [new Message("a"), new Message("b")]);
    expect(texts(await readSome(one, 2))).toEqual(["a", "b"]);
    expect(texts(await readSome(two, 2))).toEqual(["a", "b"]);
    await Promise.all([one.close(), two.close()]);
    // Nobody takes it any more: the queues have gone, and with them the exchange.
    await expect(bus.publish(topic, new Message("c"))).rejects.toMatchObject({ outcomes: [expect.stringMatching(/rejected|unknown/)] });
  });

  it("refuses two groups whose queue would be the same one", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("same");
    const bus = openBus(url);
    await bus.provision(`${topic}_a`, { group: "b" });
    await expect(bus.provision(topic, { group: "a_b" })).rejects.toMatchObject({ code: "BAD_OPTION" });
  });

  it("takes the queue's name from groupName", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("named");
    const bus = openBus(url, { groupName: (of, group) => `${group}.${of}` });
    await bus.provision(topic, { group: "g" });
    expect((await (await bareChannel(url)).checkQueue(`g.${topic}`)).messageCount).toBe(0);
  });
});

describe("the queue topology", () => {
  it("sends through the default exchange to one queue, which its readers share", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("tasks");
    const bus = openBus(url, { topology: queueTopology() });
    const subscription = await bus.subscribe(topic, { group: "workers" });
    await bus.publish(topic, new Message("m"));
    const [message] = await readSome(subscription, 1);
    expect(rabbitMqDelivery(message as NonNullable<typeof message>)).toMatchObject({ exchange: "", routingKey: topic, redelivered: false });
  });

  it("refuses a second group, and a reader without one", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("tasks");
    const bus = openBus(url, { topology: "queue" });
    await bus.provision(topic, { group: "workers" });
    await expect(bus.subscribe(topic, { group: "others" })).rejects.toMatchObject({ code: "BAD_OPTION" });
    await expect(bus.subscribe(topic)).rejects.toMatchObject({ code: "BAD_OPTION" });
  });
});

describe("the topic exchange", () => {
  it("routes by patterns, and says of each message which topic it came on", async (context) => {
    const { url } = present(context, shared);
    const exchange = fresh("events");
    const bus = openBus(url, { topology: topicExchangeTopology({ exchange }) });
    const one = await bus.subscribe("order.*", { group: "one" });
    const all = await bus.subscribe("#", { group: "all" });
    for (const topic of ["order.placed", "order.placed.late", "customer.moved", "order.paid"]) await bus.publish(topic, new Message(topic));
    const got = await readSome(one, 2);
    expect(texts(got)).toEqual(["order.placed", "order.paid"]);
    expect(got.map(({ delivery }) => delivery.topic)).toEqual(["order.placed", "order.paid"]);
    expect(texts(await readSome(all, 4)).toSorted()).toEqual(["customer.moved", "order.paid", "order.placed", "order.placed.late"]);
  });

  it("keeps the topic of a message that came back through a delay queue", async (context) => {
    const { url } = present(context, shared);
    const exchange = fresh("events");
    const bus = openBus(url, { topology: topicExchangeTopology({ exchange }) });
    const subscription = await bus.subscribe("order.*", { group: "g", maxInFlight: 2, orderBy: "none" });
    await bus.publish("order.placed", new Message("m", { metadata: { a: "b" } }));
    for await (const message of subscription) {
      if (message.delivery.attempt === 1) message.nack({ delayMs: 10 });
      else {
        expect(message.delivery).toMatchObject({ topic: "order.placed", attempt: 2 });
        expect(rabbitMqDelivery(message)).toMatchObject({ exchange, routingKey: "order.placed" });
        expect(Object.fromEntries(message.metadata)).toEqual({ a: "b" });
        message.ack();
        break;
      }
    }
  });

  it("rejects a key that no queue is bound to", async (context) => {
    const { url } = present(context, shared);
    const bus = openBus(url, { topology: topicExchangeTopology({ exchange: fresh("events") }) });
    await bus.provision("order.*", { group: "g" });
    const failure = await bus.publish("customer.moved", new Message("m")).catch((error: PublishError) => error);
    expect(failure).toMatchObject({ code: "UNROUTABLE", outcomes: ["rejected"] });
  });
});

describe("the arguments of queues and exchanges", () => {
  it("reach the broker: a quorum queue with its delivery limit, dead letters, an alternate exchange", async (context) => {
    const { url } = present(context, shared);
    const [topic, dead, aside] = [fresh("quorum"), fresh("dead"), fresh("aside")];
    const channel = await bareChannel(url);
    await channel.assertQueue(dead, { autoDelete: true });
    await channel.assertExchange(aside, "fanout", { autoDelete: true });
    const bus = openBus(url, {
      queue: {
        type: "quorum",
        deadLetterExchange: "amq.direct",
        deadLetterRoutingKey: dead,
        deliveryLimit: 50,
        expiresMs: 300_000,
        arguments: { "x-max-length": 1000 },
      },
      exchange: { autoDelete: true, alternateExchange: aside },
    });
    const subscription = await bus.subscribe(topic, { group: "g", maxInFlight: 2, orderBy: "none" });
    await bus.publish(topic, [new Message("a"), new Message("b")]);
    const counts: (number | undefined)[] = [];
    for await (const message of subscription) {
      counts.push(message.delivery.attempt);
      if (message.delivery.attempt === 1) message.nack({ delayMs: 20 });
      else message.ack();
      if (counts.length === 4) break;
    }
    expect(counts.toSorted()).toEqual([1, 1, 2, 2]);
    const same = { "x-queue-type": "quorum", "x-delivery-limit": 50, "x-dead-letter-exchange": "amq.direct", "x-dead-letter-routing-key": dead };
    await channel.assertQueue(`${topic}_g`, { durable: true, arguments: { ...same, "x-expires": 300_000, "x-max-length": 1000 } });
    await channel.assertExchange(topic, "fanout", { durable: true, autoDelete: true, arguments: { "alternate-exchange": aside } });
  });

  it("send what cannot be decoded to the queue's dead-letter exchange, where that is asked for", async (context) => {
    const { url } = present(context, shared);
    const [topic, dead] = [fresh("rejecting"), fresh("dead")];
    const channel = await bareChannel(url);
    await channel.assertQueue(dead, { autoDelete: true });
    const bus = openBus(url, { onUndecodable: "reject", queue: { deadLetterExchange: "amq.direct", deadLetterRoutingKey: dead, expiresMs: 300_000 } });
    await channel.bindQueue(dead, "amq.direct", dead);
    const subscription = await bus.subscribe(topic, { group: "g" });
    const arrived = new Promise<AmqpMessage | null>((resolve) => void channel.consume(dead, resolve, { noAck: true }));
    channel.publish(topic, "", Buffer.from("foreign"), { headers: { _watermill_message_uuid: true } });
    const reading = readSome(subscription, 1);
    expect((await arrived)?.content.toString()).toBe("foreign");
    await bus.publish(topic, new Message("good"));
    expect(texts(await reading)).toEqual(["good"]);
    expect(subscription.status().detail).toMatch(/1 undecodable/);
  });
});
