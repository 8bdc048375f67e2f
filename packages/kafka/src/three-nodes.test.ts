import { Message, type PublishError } from "millrace";
import { describe, expect } from "vitest";
import { until } from "../../../test/until.ts";
import { KafkaPublisher } from "./publisher.ts";
import { ownKafkaTest } from "./testing/kafka-test.ts";
import { publisherTestOptions } from "./testing/test-options.ts";
import { Cluster } from "./wire/cluster.ts";

describe("a cluster of three nodes", () => {
  ownKafkaTest(
    "goes on when one is killed: nothing is lost, nothing repeated, and nothing confirmed that too few have",
    async (world) => {
      const bus = world.open({ topics: { partitions: 6 } });
      const acked = new Map<string, number>();
      const subscription = await bus.subscribe(world.name, { group: world.name, maxInFlight: 8 });
      void (async () => {
        for await (const message of subscription) if (message.ack()) acked.set(message.text(), (acked.get(message.text()) ?? 0) + 1);
      })();
      let published = 0;
      const publish = async (count: number): Promise<void> => {
        for (let index = 0; index < count; index++) await bus.publish(world.name, new Message(String(published++), { key: `k${index}` }));
      };
      await publish(100);

      const strict = `${world.name}-strict`;
      const topics = { partitions: 1, config: { "min.insync.replicas": "3" } };
      const options = { ...publisherTestOptions(world.broker.url), topics, publishTimeoutMs: 5000 };
      const [all, leader] = (["all", "leader"] as const).map((acks) => world.use(new KafkaPublisher({ ...options, acks }))) as [KafkaPublisher, KafkaPublisher];
      await all.publish(strict, new Message("three have it"));

      const [first] = world.broker.nodes;
      await first?.kill();
      await publish(100);
      await until(() => acked.size === published, "all are read");

      const error = (await all.publish(strict, new Message("two have it")).catch((failure: unknown) => failure)) as PublishError;
      expect(error).toMatchObject({ code: "PUBLISH_TIMEOUT", retryable: true });
      expect(error.outcomes).not.toContain("confirmed");
      await leader.publish(strict, new Message("its leader has it"));

      await first?.start();
      await until(async () => {
        const cluster = new Cluster({ url: world.broker.url });
        const known = await cluster.refresh([strict]).finally(() => cluster.close());
        return known.size === 1 && cluster.brokers.size === 3;
      }, "it is back");
      await all.publish(strict, new Message("three have it again"));
      await publish(100);
      await until(() => acked.size === published, "all are read");
      expect([...acked].filter(([, times]) => times > 1)).toEqual([]);
    },
    { nodes: 3 },
  );
});
