import { Message, type PublishError } from "millrace";
import { ChaosProxy } from "millrace/conformance";
import { describe, expect, vi } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { kafkaDelivery } from "./delivery.ts";
import { javaPartitioner, saramaPartitioner } from "./partitioners.ts";
import { KafkaPublisher } from "./publisher.ts";
import { kafkaTest } from "./testing/kafka-test.ts";
import { publisherTestOptions } from "./testing/test-options.ts";
import { BrokerLinks } from "./wire/broker-links.ts";

const REQUEST_TIMED_OUT = 7;

const numbered = (count: number, size = 0): Message[] =>
  Array.from({ length: count }, (_, index) => new Message(`${index}`.padEnd(size, "."), { key: `k${index}` }));

async function failureOf(publishing: Promise<void>): Promise<PublishError> {
  return await publishing.then(
    () => {
      throw new Error("it was confirmed");
    },
    (error: unknown) => error as PublishError,
  );
}

describe("publishing to Kafka", () => {
  kafkaTest("puts calls that are under way at once into few requests, and keeps the order of each key", async (world) => {
    const proxy = world.use(await ChaosProxy.start({ port: world.broker.port }));
    const bus = world.open({ brokerAddress: () => ({ host: "127.0.0.1", port: proxy.port }) });
    const messages = Array.from({ length: 2000 }, (_, index) => new Message(String(index), { key: `k${index % 10}` }));
    await bus.publish(world.name, new Message("warm"));
    const began = performance.now();
    proxy.latencyMs = 20; // 2,000 round trips would take 80 s
    await Promise.all(messages.map((message) => bus.publish(world.name, message)));
    expect(performance.now() - began).toBeLessThan(10_000);
    proxy.latencyMs = 0;
    const got = await readSome(await bus.subscribe(world.name), 2001);
    const seen = new Map<string | undefined, number>();
    for (const message of got.filter(({ key }) => key !== undefined)) {
      expect(Number(message.text())).toBeGreaterThan(seen.get(message.key) ?? -1);
      seen.set(message.key, Number(message.text()));
    }
  });

  kafkaTest("cuts a call into batches below the topic's limit", async (world) => {
    const bus = world.open({ topics: { partitions: 1, config: { "max.message.bytes": "100000" } }, maxBatchBytes: 90_000 });
    const messages = numbered(1000, 1000);
    await bus.publish(world.name, messages);
    const got = await readSome(await bus.subscribe(world.name), 1000);
    expect(got.map(({ id }) => id)).toEqual(messages.map(({ id }) => id));
  });

  kafkaTest("cuts a batch again that is larger than the topic takes", async (world) => {
    const bus = world.open({ topics: { partitions: 1, config: { "max.message.bytes": "20000" } } });
    const messages = numbered(200, 1000);
    await bus.publish(world.name, messages);
    const got = await readSome(await bus.subscribe(world.name), 200);
    expect(got.map(({ id }) => id)).toEqual(messages.map(({ id }) => id));
  });

  kafkaTest("rejects a message that is too large with MESSAGE_TOO_LARGE, and nothing but what comes behind it in its call", async (world) => {
    const bus = world.open({ topics: { partitions: 1, config: { "max.message.bytes": "20000" } } });
    const [small, large, behind] = [new Message("small"), new Message(new Uint8Array(50_000)), new Message("behind")];
    const other = bus.publish(world.name, new Message("another call"));
    const error = await failureOf(bus.publish(world.name, [small, large, behind]));
    await other;
    expect(error).toMatchObject({ code: "MESSAGE_TOO_LARGE", retryable: false });
    expect(error.outcomes[1]).toBe("rejected");
    const marker = new Message("marker");
    await bus.publish(world.name, marker);
    const subscription = await bus.subscribe(world.name);
    const seen = new Set<string>();
    for await (const message of subscription) {
      seen.add(message.id);
      message.ack();
      if (message.id === marker.id) break;
    }
    for (const [index, { id }] of [small, large, behind].entries()) expect(seen.has(id)).toBe(error.outcomes[index] === "confirmed");
  });

  kafkaTest("rejects a message that the topic does not take with MESSAGE_REFUSED, and nothing of other calls in its batch", async (world) => {
    const bus = world.open({ topics: { partitions: 1, config: { "cleanup.policy": "compact" } } });
    await bus.publish(world.name, new Message("first", { key: "f" }));
    const keyed = numbered(6);
    const keyless = new Message("a compacted topic takes nothing without a key");
    const others = [...keyed.slice(0, 3).map((message) => bus.publish(world.name, message))];
    const refused = failureOf(bus.publish(world.name, keyless));
    const mixed = failureOf(bus.publish(world.name, [keyed[3] as Message, keyless, keyed[4] as Message]));
    others.push(bus.publish(world.name, keyed[5] as Message));
    await Promise.all(others);
    expect(await refused).toMatchObject({ code: "MESSAGE_REFUSED", retryable: false, outcomes: ["rejected"] });
    expect((await refused).message).toContain("without key");
    expect((await mixed).outcomes).toEqual(["confirmed", "rejected", "rejected"]);
    const got = await readSome(await bus.subscribe(world.name), 6);
    expect(got.map((message) => message.text())).toEqual(["first", "0", "1", "2", "3", "5"]);
  });

  kafkaTest("rejects with TOPIC_MISSING where topics are not to be made", async (world) => {
    const bus = world.open({ provision: "verify" });
    await expect(bus.publish(world.name, new Message("m"))).rejects.toMatchObject({ code: "TOPIC_MISSING", outcomes: ["rejected"] });
    await expect(bus.subscribe(world.name, { group: "g" })).rejects.toMatchObject({ code: "TOPIC_MISSING" });
    await expect(bus.subscribe(world.name)).rejects.toMatchObject({ code: "TOPIC_MISSING" });
  });

  kafkaTest("rejects with BAD_TOPIC what cannot be a topic's name", async (world) => {
    const bus = world.open();
    for (const topic of ["with space", "a/b", "ż", "x".repeat(250)])
      await expect(bus.publish(topic, new Message("m"))).rejects.toMatchObject({ code: "BAD_TOPIC" });
  });

  kafkaTest("rejects with UNENCODABLE what the codec cannot write", async (world) => {
    const bus = world.open();
    const reserved = new Message("m", { metadata: { _watermill_message_uuid: "x" } });
    await expect(bus.publish(world.name, [new Message("fine"), reserved])).rejects.toMatchObject({ code: "UNENCODABLE", outcomes: ["rejected", "rejected"] });
  });

  kafkaTest("refuses a message that is not due by itself, names what can hold it back, and sends nothing behind it in its call", async (world) => {
    const bus = world.open();
    expect(bus.capabilities.maxPublishDelayMs).toBe(0);
    const later = new Message("later", { delayMs: 60_000 });
    const other = bus.publish(world.name, new Message("another call"));
    const error = await failureOf(bus.publish(world.name, [new Message("before"), later, new Message("behind")]));
    await other;
    expect(error).toMatchObject({ code: "DELAY_UNSUPPORTED", retryable: false, outcomes: ["confirmed", "rejected", "rejected"] });
    expect(error.message).toMatch(/DelayingPublisher of millrace\/delay.*connect\(\).*delays/);
    expect(await failureOf(bus.publish(world.name, later))).toMatchObject({ code: "DELAY_UNSUPPORTED", outcomes: ["rejected"] });
    const due = [new Message("due", { delayMs: 0 }), new Message("overdue", { deliverAt: new Date(0) })];
    await bus.publish(world.name, due);
    const got = await readSome(await bus.subscribe(world.name), 4);
    expect(new Set(got.map((message) => message.text()))).toEqual(new Set(["another call", "before", "due", "overdue"]));
    await bus.close();
    expect(await failureOf(bus.publish(world.name, [later, later]))).toMatchObject({ code: "CLOSED", outcomes: ["rejected", "rejected"] });
  });

  kafkaTest("makes topics with the settings it is given, and verifies them", async (world) => {
    const bus = world.open({ topics: (topic) => ({ partitions: topic.endsWith("six") ? 6 : 2 }) });
    await bus.publish(`${world.name}-six`, new Message("m"));
    await bus.publish(`${world.name}-two`, new Message("m"));
    const strict = world.open({ provision: "verify", topics: { partitions: 6 } });
    await strict.publish(`${world.name}-six`, new Message("m"));
    await expect(strict.publish(`${world.name}-two`, new Message("m"))).rejects.toMatchObject({ code: "TOPIC_MISMATCH" });
  });

  kafkaTest("places keys as Java's clients do, or as Sarama does", async (world) => {
    const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);
    for (const [partitioner, choose] of [
      ["java", javaPartitioner],
      ["sarama", saramaPartitioner],
    ] as const) {
      const topic = `${world.name}-${partitioner}`;
      const bus = world.open({ partitioner, topics: { partitions: 7 } });
      await bus.publish(
        topic,
        keys.map((key) => new Message(key, { key })),
      );
      const got = await readSome(await bus.subscribe(topic), keys.length);
      for (const message of got) expect(kafkaDelivery(message)?.partition).toBe(choose(Buffer.from(message.key as string), 7, topic));
    }
  });

  kafkaTest("spreads messages without a key over the partitions", async (world) => {
    const bus = world.open();
    for (let round = 0; round < 12; round++) await bus.publish(world.name, new Message(new Uint8Array(20_000)));
    const got = await readSome(await bus.subscribe(world.name), 12);
    expect(new Set(got.map((message) => kafkaDelivery(message)?.partition)).size).toBe(2);
  });

  for (const compression of ["gzip", "snappy", "lz4", "zstd"] as const) {
    kafkaTest(`writes and reads ${compression}`, async (world) => {
      const bus = world.open({ compression });
      const messages = numbered(200, 300);
      await bus.publish(world.name, messages);
      const got = await readSome(await bus.subscribe(world.name), 200);
      expect(new Set(got.map((message) => message.text()))).toEqual(new Set(messages.map((message) => message.text())));
    });
  }

  kafkaTest("makes a call wait for room, and lets it in when there is some", async (world) => {
    const proxy = world.use(await ChaosProxy.start({ port: world.broker.port }));
    const bus = world.open({ maxWaitingBytes: 50_000, brokerAddress: () => ({ host: "127.0.0.1", port: proxy.port }) });
    await bus.publish(world.name, new Message("warm"));
    proxy.stall();
    let second = false;
    const first = bus.publish(world.name, new Message(new Uint8Array(40_000)));
    const waiting = bus.publish(world.name, new Message(new Uint8Array(40_000))).then(() => {
      second = true;
    });
    const abort = new AbortController();
    const aborted = bus.publish(world.name, new Message(new Uint8Array(40_000)), { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(aborted).rejects.toMatchObject({ code: "PUBLISH_ABORTED", outcomes: ["rejected"] });
    expect(second).toBe(false);
    proxy.heal();
    await Promise.all([first, waiting]);
  });

  kafkaTest("says unknown of what was sent and not answered when its time is up, and goes on", async (world) => {
    const proxy = world.use(await ChaosProxy.start({ port: world.broker.port }));
    const options = { brokerAddress: () => ({ host: "127.0.0.1", port: proxy.port }), publishTimeoutMs: 1500, requestTimeoutMs: 700 };
    const bus = world.open(options);
    await bus.publish(world.name, new Message("warm", { key: "k" })); // the partition has its identity
    proxy.stall("answers");
    const error = await failureOf(bus.publish(world.name, [new Message("a", { key: "k" }), new Message("b", { key: "k" })]));
    expect(error.outcomes).toEqual(["unknown", "unknown"]);
    expect(["BROKER_UNREACHABLE", "PUBLISH_TIMEOUT"]).toContain(error.code);
    expect(error.retryable).toBe(true);
    proxy.cut();
    proxy.heal();
    await world.open().publish(world.name, new Message("marker", { key: "k" }));
    await bus.publish(world.name, new Message("after", { key: "k" }));
  });

  kafkaTest("does not send again by itself where the broker does not remove repeats", async (world) => {
    const proxy = world.use(await ChaosProxy.start({ port: world.broker.port }));
    const publisher = world.use(
      new KafkaPublisher({ ...publisherTestOptions(world.broker.url), idempotent: false, brokerAddress: () => ({ host: "127.0.0.1", port: proxy.port }) }),
    );
    await publisher.publish(world.name, new Message("warm", { key: "k" }));
    proxy.stall("answers");
    const publishing = failureOf(publisher.publish(world.name, new Message("once", { key: "k" })));
    const bus = world.open();
    const subscription = await bus.subscribe(world.name);
    const [, once] = await readSome(subscription, 2); // it has arrived
    expect(once?.text()).toBe("once");
    proxy.cut();
    proxy.heal();
    expect((await publishing).outcomes).toEqual(["unknown"]);
    await publisher.publish(world.name, new Message("marker", { key: "k" }));
    expect((await readSome(subscription, 1))[0]?.text()).toBe("marker");
  });

  kafkaTest("does not send again what the broker may have written, where it does not remove repeats", async (world) => {
    const publisher = world.use(new KafkaPublisher({ ...publisherTestOptions(world.broker.url), idempotent: false }));
    await publisher.publish(world.name, new Message("warm", { key: "k" }));
    const { send } = BrokerLinks.prototype;
    const spy = vi.spyOn(BrokerLinks.prototype, "send").mockImplementationOnce(async function (this: BrokerLinks, ...args: Parameters<typeof send>) {
      const answer = (await send.apply(this, args)) as { responses: { partitionResponses: { errorCode: number }[] }[] };
      for (const { partitionResponses } of answer.responses) for (const each of partitionResponses) each.errorCode = REQUEST_TIMED_OUT;
      return answer as Awaited<ReturnType<typeof send>>;
    } as typeof send);
    world.onFinished(() => spy.mockRestore());
    expect((await failureOf(publisher.publish(world.name, new Message("once", { key: "k" })))).outcomes).toEqual(["unknown"]);
    await publisher.publish(world.name, new Message("marker", { key: "k" }));
    const got = await readSome(await world.open().subscribe(world.name), 3);
    expect(got.map((message) => message.text())).toEqual(["warm", "once", "marker"]);
  });
});
