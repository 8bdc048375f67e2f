import { WatermillProgram } from "../../test/interop/watermill-program.ts";
import type { BrokerConsumeSettings } from "../cases/broker-consume.ts";
import type { BrokerPublishSettings } from "../cases/broker-publish.ts";
import type { WatermillSettings } from "../cases/watermill.ts";
import { call } from "../harness/case.ts";
import { rate, spread, times, whole } from "../harness/format.ts";
import type { Samples } from "../harness/samples.ts";
import type { Table } from "../harness/section.ts";
import type { BrokerBench } from "./broker-tables.ts";

const CALLERS = 64;
const bytes = 16;

/** The rival on the same broker, in the same rounds, at the same guarantees. Without Go it is left out, and the caption says so. */
export async function watermillTable(
  broker: BrokerBench,
  counts: { readonly awaited: number; readonly publish: number; readonly consume: number },
): Promise<Table> {
  const built = WatermillProgram.build();
  if ("notRun" in built) return { caption: `Beside Watermill's adapter in Go: **not run**, ${built.notRun}`, head: ["way"], rows: [] };
  try {
    return await table(broker, built.path, counts);
  } finally {
    built.remove();
  }
}

async function table(
  { bench, url, goals }: BrokerBench,
  program: string,
  counts: { readonly awaited: number; readonly publish: number; readonly consume: number },
): Promise<Table> {
  const rows: string[][] = [];
  const add = (name: string, count: number, ours: Samples, rival: Samples): void => {
    const ratio = ours.over(rival, "perSecond");
    rows.push([
      name,
      whole(count),
      rate(ours.median("perSecond")),
      spread(ours.spread("perSecond")),
      rate(rival.median("perSecond")),
      spread(rival.spread("perSecond")),
      times(ratio),
    ]);
    goals.push({ text: `${name}: ahead of Watermill (${times(ratio)})`, reached: ratio > 1 });
  };
  for (const [name, full, callers] of [
    ["16 B, one at a time, awaited", counts.awaited, 1],
    [`16 B, 1 a call, ${CALLERS} callers`, counts.publish, CALLERS],
  ] as const) {
    const count = bench.count(full, Math.ceil(full / 20));
    const { ours, rival } = await bench.rounds({
      ours: call<BrokerPublishSettings>("broker-publish", {
        client: "millrace",
        url,
        count,
        warmUp: Math.ceil(count / 4),
        bytes,
        perCall: 1,
        underWay: callers,
      }),
      rival: call<WatermillSettings>("watermill", { program, url, count, bytes, callers }),
    });
    add(`publish ${name}`, count, ours, rival);
  }
  const count = bench.count(counts.consume, Math.ceil(counts.consume / 20));
  const { ours, rival } = await bench.rounds({
    ours: call<BrokerConsumeSettings>("broker-consume", {
      client: "millrace",
      url,
      count,
      warmUp: Math.ceil(count / 4),
      bytes,
      way: { reader: "router", concurrency: 1 },
    }),
    rival: call<WatermillSettings>("watermill", { program, url, count, bytes }),
  });
  add("consume 16 B", count, ours, rival);
  return {
    caption:
      "Beside Watermill's adapter in Go, every message confirmed by all (its own default on Kafka is one), on RabbitMQ with 64 channels to publish and a prefetch of 100:",
    head: ["way", "messages", "Millrace", "spread", "Watermill", "spread", "of Watermill"],
    rows,
  };
}
