import type { Bench } from "../harness/bench.ts";
import { onBroker } from "../harness/on-broker.ts";
import type { Goal, Part, Section } from "../harness/section.ts";
import { consumeTable, latencyTable, publishTable } from "./broker-tables.ts";
import { watermillTable } from "./watermill-table.ts";

/** Publishing and consuming beside the client alone. */
export const rabbitmq: Part = {
  name: "rabbitmq",
  title: "RabbitMQ beside bare amqplib",
  run: (bench: Bench): Promise<Section> =>
    onBroker("rabbitmq", async (url) => {
      const goals: Goal[] = [];
      const broker = { bench, url, goals };
      return {
        conditions: [
          "one broker on this machine, started for this part; a durable fanout exchange, one durable classic queue",
          "publish: confirmed, persistent, mandatory, an id in a header; a window of 1,000 unconfirmed messages",
          "consume: 1,000 held ahead; id and one more header decoded, one call of a handler a message; acks for up to 256 messages or 5 ms at a time (`multiple`). Ours besides asks the broker after each whether it has arrived",
        ],
        tables: [
          await publishTable(broker, { awaited: 1500, underWay: 20_000, batched: 20_000, gather: false }),
          await consumeTable(broker, { small: 40_000, large: 20_000, kept: false, others: { "router, bare acks each": { ackEach: true } } }),
          await latencyTable(broker, { full: 20_000, seconds: 2, gather: false }),
          await watermillTable(broker, { awaited: 1000, publish: 20_000, consume: 20_000 }),
        ],
        goals,
      };
    }),
};
