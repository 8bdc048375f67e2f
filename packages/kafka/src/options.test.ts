import { OptionError } from "millrace";
import { describe, expect, it } from "vitest";
import { fromUrl } from "./from-url.ts";
import { KafkaPubSub, type KafkaPubSubOptions } from "./pub-sub.ts";
import { KafkaPublisher } from "./publisher.ts";
import { KafkaSubscriber } from "./subscriber.ts";
import { KafkaTransactor } from "./transactor.ts";
import { Cluster } from "./wire/cluster.ts";

function problemsOf(make: () => unknown): readonly string[] {
  try {
    make();
  } catch (error) {
    if (error instanceof OptionError) return error.problems;
    throw error;
  }
  return [];
}

describe("the options of the Kafka adapter", () => {
  it.each(["kafka://localhost", "kafka://a:1,b:2,c", "kafka://[::1]:9092", "kafka://u:p@h:9092/x?y", "kafka://10.0.0.1:65535"])("take the url %s", (url) => {
    expect(problemsOf(() => new KafkaPubSub({ url }))).toEqual([]);
  });

  it.each(["", "localhost:9092", "amqp://h", "kafka://", "kafka://h:0", "kafka://h:70000", "kafka://a,,b", "kafka://h:x"])("refuse the url %o", (url) => {
    expect(problemsOf(() => new KafkaPubSub({ url }))).toEqual([expect.stringContaining("kafka://host:9092,host2:9092")]);
  });

  it("take a logger that throws: nothing of it gets out", () => {
    const throws = (): never => {
      throw new Error("the disk is full");
    };
    const logger = { trace: throws, debug: throws, info: throws, warn: throws, error: throws };
    expect(() => new Cluster({ url: "kafka://localhost", logger }).logger.info({}, "x")).not.toThrow();
  });

  it("name everything that is wrong at once", () => {
    const publisher = {
      brokers: ["h:9092"],
      url: "kafka://h",
      acks: "some",
      compression: "rar",
      partitioner: 3,
      maxBatchBytes: 0,
      publishTimeoutMs: -1,
      topics: { partitions: 0 },
      codec: {},
    };
    const problems = problemsOf(() => new KafkaPublisher(publisher as never));
    for (const name of ["either url or brokers", "acks", "compression", "partitioner", "maxBatchBytes", "publishTimeoutMs", "topics.partitions", "codec"]) {
      expect(problems.some((problem) => problem.includes(name))).toBe(true);
    }
    const subscriber = {
      url: "kafka://h",
      sessionTimeoutMs: 3000,
      heartbeatMs: 2000,
      rebalance: "never",
      maxGap: 0,
      prefetch: 0,
      isolation: "none",
      orderBy: "name",
    };
    expect(problemsOf(() => new KafkaSubscriber(subscriber as never)).length).toBe(6);
    expect(problemsOf(() => new KafkaPubSub({ url: "kafka://h:x", acks: "some", maxGap: 0 } as never))).toHaveLength(3);
    expect(problemsOf(() => new KafkaPubSub({} as KafkaPubSubOptions))).toContain("give either url or brokers");
    expect(problemsOf(() => new KafkaPublisher({ url: "kafka://h", acks: "leader", idempotent: true }))).toEqual(['idempotent needs acks: "all"']);
    expect(problemsOf(() => new KafkaTransactor({ url: "kafka://h" } as never))).toEqual(["transactionalId is missing"]);
    expect(problemsOf(() => new KafkaSubscriber({ url: "kafka://h", sasl: {} as never }))).toHaveLength(1);
  });

  it("are not written to, and constructing opens nothing", async () => {
    const options = Object.freeze({ url: "kafka://nowhere.invalid:1", topics: Object.freeze({ partitions: 2 }) });
    const before = process.getActiveResourcesInfo().length;
    const bus = new KafkaPubSub(options);
    expect(process.getActiveResourcesInfo().length).toBe(before);
    await bus.close();
    await bus.close();
  });
});

describe("fromUrl", () => {
  it("takes hosts, credentials and parameters from the url", async () => {
    const bus = fromUrl(
      "kafka://me:p%40ss@a:9092,b?sasl=scram-sha-256&partitions=6&provision=verify&tls=true&acks=all&compression=gzip&rebalance=eager&clientId=x",
    );
    await bus.close();
  });

  it("refuses unknown parameters and bad values, and does not show the password", () => {
    expect(problemsOf(() => fromUrl("kafka://h?colour=red"))[0]).toContain("unknown parameter in url");
    expect(problemsOf(() => fromUrl("kafka://h?partitions=many"))[0]).toContain("topics.partitions");
    expect(problemsOf(() => fromUrl("kafka://h?acks=perhaps"))[0]).toContain("acks");
    expect(String(problemsOf(() => fromUrl("kafka:/me:secret@h")))).not.toContain("secret");
  });
});
