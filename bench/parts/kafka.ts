import type { Bench } from "../harness/bench.ts";
import { onBroker } from "../harness/on-broker.ts";
import type { Goal, Part, Section } from "../harness/section.ts";
import { consumeTable, latencyTable, publishTable } from "./broker-tables.ts";
import { watermillTable } from "./watermill-table.ts";

/** Publishing and consuming beside the client alone. */
export const kafka: Part = {
  name: "kafka",
  title: "Kafka beside bare @platformatic/kafka",
  run: (bench: Bench): Promise<Section> =>
    onBroker("kafka", async (url) => {
      const goals: Goal[] = [];
      const broker = { bench, url, goals };
      return {
        conditions: [
          "one broker on this machine, started for this part; topics of 4 partitions, no replication",
          "publish: acks from all, idempotent, no compression, no key, an id in a header; without a key both stay with a partition for 32 KiB",
          "single calls under way: a bare client sends a request for each, so it has a queue around it that sends what gathered as one",
          "consume: one member of a group; key, id, one more header decoded to text, one call of a handler a message, commits one at a time; fetches of up to 8 MiB, 1 MiB a partition. The bare client is a loop on its `fetch`, one fetch ahead",
        ],
        tables: [
          await publishTable(broker, { awaited: 3000, underWay: 150_000, batched: 200_000, gather: true }),
          await consumeTable(broker, { small: 400_000, large: 100_000, kept: true }),
          await latencyTable(broker, { full: 100_000, seconds: 2, gather: true }),
          await watermillTable(broker, { awaited: 3000, publish: 50_000, consume: 200_000 }),
        ],
        goals,
      };
    }),
};
