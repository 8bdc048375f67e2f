import { Message, type PublishError } from "millrace";
import { describe, expect, it } from "vitest";
import { sharedBroker } from "../../../test/brokers/index.ts";
import { readOne, readSome } from "../../../test/read-some.ts";
import { correlatingCodec } from "./codec.ts";
import { RabbitMqPublisher } from "./publisher.ts";
import { rabbitMqDelivery } from "./receipt.ts";
import { bareChannel, fresh, openBus, present } from "./testing/with-broker.ts";

const shared = sharedBroker("rabbitmq");
const failureOf = (publishing: Promise<void>): Promise<PublishError> =>
  publishing.then(
    () => {
      throw new Error("it was confirmed");
    },
    (error: PublishError) => error,
  );

describe("publishing to RabbitMQ", () => {
  it("carries payloads of every length around a frame, and headers that nearly fill one", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("frames");
    const bus = openBus(url);
    const subscription = await bus.subscribe(topic, { group: "g" });
    const lengths = [0, 1, 131_063, 131_064, 131_065, 262_128, 262_129, 1_000_000];
    const long = "ż".repeat(60_000);
    await bus.publish(
      topic,
      lengths.map((length) => new Message(new Uint8Array(length).fill(length & 255), { metadata: { long, empty: "" } })),
    );
    const got = await readSome(subscription, lengths.length);
    expect(got.map(({ payload }) => payload.length)).toEqual(lengths);
    expect(got.every(({ payload }) => payload.every((byte) => byte === (payload.length & 255)))).toBe(true);
    expect(got.every(({ metadata }) => metadata.get("long") === long && metadata.get("empty") === "")).toBe(true);
  });

  it("puts on the wire what Watermill puts there, and nothing else", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("wire");
    const bus = openBus(url);
    await bus.provision(topic, { group: "g" });
    await bus.publish(topic, new Message("hello", { id: "id-1", metadata: { name: "orders.OrderPlaced" } }));
    const raw = await (await bareChannel(url)).get(`${topic}_g`, { noAck: true });
    if (raw === false) throw new Error("nothing arrived");
    const set = Object.entries(raw.properties).filter(([, value]) => value !== undefined);
    expect(Object.fromEntries(set)).toEqual({ deliveryMode: 2, headers: { _watermill_message_uuid: "id-1", name: "orders.OrderPlaced" } });
    expect(raw.content.toString()).toBe("hello");
  });

  it("carries the id as correlation id with that codec", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("correlating");
    const bus = openBus(url, { codec: correlatingCodec() });
    const subscription = await bus.subscribe(topic, { group: "g" });
    await bus.publish(topic, new Message("hello", { id: "id-1" }));
    const [message] = await readSome(subscription, 1);
    expect(message?.id).toBe("id-1");
    expect(rabbitMqDelivery(message as NonNullable<typeof message>)?.properties.correlationId).toBe("id-1");
  });

  it("rejects what no queue takes, by position, and confirms what one takes", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("unheard");
    const publisher = new RabbitMqPublisher({ url, exchange: { autoDelete: true } });
    const failure = await failureOf(publisher.publish(topic, [new Message("a"), new Message("a"), new Message("c")]));
    expect(failure).toMatchObject({ code: "UNROUTABLE", outcomes: ["rejected", "rejected", "rejected"] });
    const bus = openBus(url);
    await bus.provision(topic, { group: "g" });
    await publisher.publish(topic, new Message("d"));
    await publisher.close();
  });

  it("drops what no queue takes when mandatory is false", async (context) => {
    const { url } = present(context, shared);
    const publisher = new RabbitMqPublisher({ url, mandatory: false, exchange: { autoDelete: true } });
    await publisher.publish(fresh("unheard"), new Message("a"));
    await publisher.close();
  });

  it("refuses a message that is too large before it is sent, and goes on", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("large");
    const bus = openBus(url, { maxMessageBytes: 1000 });
    const subscription = await bus.subscribe(topic, { group: "g" });
    const failure = await failureOf(bus.publish(topic, [new Message("a"), new Message(new Uint8Array(1001))]));
    expect(failure).toMatchObject({ code: "MESSAGE_TOO_LARGE", outcomes: ["rejected", "rejected"] });
    await bus.publish(topic, new Message("b"));
    expect((await readOne(subscription)).text()).toBe("b");
  });

  it("rejects a message whose headers do not fit, and sends nothing later of the call", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("headers");
    const bus = openBus(url);
    const subscription = await bus.subscribe(topic, { group: "g" });
    const failure = await failureOf(bus.publish(topic, [new Message("a"), new Message("b", { metadata: { long: "x".repeat(140_000) } }), new Message("c")]));
    expect(failure).toMatchObject({ code: "UNENCODABLE", outcomes: ["confirmed", "rejected", "rejected"] });
    await bus.publish(topic, new Message("d"));
    expect((await readSome(subscription, 2)).map((message) => message.text())).toEqual(["a", "d"]);
  });

  it("keeps the order of calls, however few may be unconfirmed", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("window");
    const bus = openBus(url, { confirmWindow: 3 });
    const subscription = await bus.subscribe(topic, { group: "g", maxInFlight: 100, orderBy: "none" });
    await Promise.all(Array.from({ length: 50 }, (_, index) => bus.publish(topic, [new Message(`${index}a`), new Message(`${index}b`)])));
    const expected = Array.from({ length: 50 }, (_, index) => [`${index}a`, `${index}b`]).flat();
    expect((await readSome(subscription, 100)).map((message) => message.text())).toEqual(expected);
  });

  it("makes calls wait for room, in their order, and refuses them when sixteen times the bound waits", async (context) => {
    const { url } = present(context, shared);
    const bus = openBus(url, { maxWaiting: 2 });
    const topic = fresh("full");
    const subscription = await bus.subscribe(topic, { group: "g", maxInFlight: 100, orderBy: "none" });
    const calls = Array.from({ length: 16 }, (_, index) => bus.publish(topic, [new Message(`${index}a`), new Message(`${index}b`)]));
    expect(await failureOf(bus.publish(topic, new Message("c")))).toMatchObject({ code: "BUFFER_FULL", outcomes: ["rejected"] });
    await Promise.all(calls);
    expect((await readSome(subscription, 32)).map((message) => message.text())).toEqual(calls.flatMap((_, index) => [`${index}a`, `${index}b`]));
  });

  it("sends what is behind a message that cannot be sent, as the first on a channel and later", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("unsent");
    const bus = openBus(url);
    const subscription = await bus.subscribe(topic, { group: "g", maxInFlight: 100, orderBy: "none" });
    for (const round of [1, 2]) {
      const bad = failureOf(bus.publish(topic, new Message("bad", { metadata: { long: "x".repeat(140_000) } })));
      const good = ["a", "b"].map((text) => bus.publish(topic, new Message(`${text}${round}`)));
      expect(await bad).toMatchObject({ code: "UNENCODABLE", outcomes: ["rejected"] });
      await Promise.all(good);
    }
    expect((await readSome(subscription, 4)).map((message) => message.text())).toEqual(["a1", "b1", "a2", "b2"]);
  });

  it("tells what it is doing", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("status");
    const bus = openBus(url);
    expect(bus.status().state).toBe("idle");
    await bus.provision(topic, { group: "g" });
    await bus.publish(topic, new Message("a"));
    expect(bus.status()).toMatchObject({ state: "running", waiting: 0 });
    await bus.close();
    expect(bus.status().state).toBe("closed");
    expect(await failureOf(bus.publish(topic, [new Message("a")]))).toMatchObject({ code: "CLOSED", outcomes: ["rejected"] });
  });

  it.each(["amq.mine", "x".repeat(256)])("refuses the topic %s", async (topic) => {
    const publisher = new RabbitMqPublisher({ url: "amqp://localhost" });
    await expect(publisher.publish(topic, new Message("a"))).rejects.toMatchObject({ code: "BAD_TOPIC" });
    await publisher.close();
  });

  it("reads every kind of header that a foreign publisher sends, each with its own type beside", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("foreign");
    const bus = openBus(url);
    const subscription = await bus.subscribe(topic, { group: "g" });
    const headers = {
      n: 17,
      big: 2 ** 40,
      f: 1.5,
      t: true,
      v: null,
      b: Buffer.from([1, 2]),
      at: { "!": "timestamp", value: 1_700_000_000 },
      l: ["x", 1],
      o: { a: "b" },
    };
    const decimal = { "!": "decimal", value: { places: 2, digits: 125 } };
    (await bareChannel(url)).publish(topic, "", Buffer.from("m"), { headers: { ...headers, d: decimal }, messageId: "foreign-1", timestamp: 1_700_000_000 });
    const [message] = await readSome(subscription, 1);
    expect(message?.id).toBe("foreign-1");
    expect(message?.delivery.publishedAt).toEqual(new Date("2023-11-14T22:13:20Z"));
    expect(Object.fromEntries(message?.metadata ?? [])).toEqual({
      ...{ n: "17", big: "1099511627776", f: "1.5", t: "true", v: "", b: "AQI=", at: "2023-11-14T22:13:20Z", l: '["x",1]', o: '{"a":"b"}' },
      d: "1.25",
    });
    expect(rabbitMqDelivery(message as NonNullable<typeof message>)?.headers).toEqual({ ...headers, d: decimal });
    // As it is, it can be published again.
    await bus.publish(topic, message as NonNullable<typeof message>);
    expect((await readSome(subscription, 1))[0]?.metadata.get("n")).toBe("17");
  });
});
