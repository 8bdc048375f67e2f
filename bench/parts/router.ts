import type { RouterCostSettings } from "../cases/router-cost.ts";
import type { Bench } from "../harness/bench.ts";
import { call } from "../harness/case.ts";
import { ns, spread, whole } from "../harness/format.ts";
import { median } from "../harness/quantile.ts";
import type { Samples } from "../harness/samples.ts";
import type { Goal, Part, Section } from "../harness/section.ts";

const REACH_NS = 300;

/** What the router and its middleware add to a bare loop over the same subscription. */
export const router: Part = {
  name: "router",
  title: "The router's own cost",
  async run(bench: Bench): Promise<Section> {
    const count = bench.count(2_000_000, 200_000);
    const warmUp = bench.count(500_000, 100_000);
    const rows: string[][] = [];
    const goals: Goal[] = [];
    for (const from of ["adapter", "plain"] as const) {
      for (const handler of ["sync", "async"] as const) {
        const settings: RouterCostSettings = { count, warmUp, from, handler, reader: "router", concurrency: 1, middleware: 0 };
        const { loop, router, stacked } = await bench.rounds({
          loop: call<RouterCostSettings>("router-cost", { ...settings, reader: "loop" }),
          router: call<RouterCostSettings>("router-cost", settings),
          stacked: call<RouterCostSettings>("router-cost", { ...settings, middleware: 10 }),
        });
        const own = more(router, loop);
        const ten = more(stacked, router);
        const name = `${from === "adapter" ? "adapter layer, no broker" : "plain iterator"}, ${handler}`;
        rows.push([name, ns(loop.median("ns")), ns(router.median("ns")), spread(router.spread("ns")), ns(own), ns(stacked.median("ns")), ns(ten)]);
        goals.push({ text: `${name}: the router adds less than ${REACH_NS} ns (${ns(own)})`, reached: own < REACH_NS });
        goals.push({ text: `${name}: ten middlewares add less than ${REACH_NS} ns (${ns(ten)})`, reached: ten < REACH_NS });
      }
    }
    return {
      conditions: [
        `${whole(count)} messages that are ready, after ${whole(warmUp)} to warm up; 16 B, concurrency 1`,
        "the loop: for await, one call of the handler, ack; the router over the same subscription; the same with ten middlewares that do nothing",
        "a subscription of the adapter layer lets the router take what is ready without a promise, which a for await cannot: there the difference may be below nothing",
      ],
      tables: [{ head: ["messages from, handler", "loop", "router", "spread", "router's own", "with 10 middlewares", "theirs"], rows }],
      goals,
    };
  },
};

/** By how many nanoseconds of wall time a message costs more, in the median of the rounds. */
function more(one: Samples, other: Samples): number {
  const others = other.all("ns");
  return median(one.all("ns").map((value, round) => value - (others[round] as number)));
}
