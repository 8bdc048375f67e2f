import { ns, rate, spread, times } from "./format.ts";
import { median } from "./quantile.ts";
import type { Samples } from "./samples.ts";
import type { Goal } from "./section.ts";

const REACH = 0.9;
const REACH_NS = 500;

/** The columns of `besideBare`. */
export const BESIDE_BARE: readonly string[] = ["Millrace", "spread", "bare", "spread", "of bare", "by CPU time", "more than bare, each"];

/** Our speed beside that of the bare client, as cells of a row. */
export function besideBare(ours: Samples, bare: Samples): readonly string[] {
  return [
    rate(ours.median("perSecond")),
    spread(ours.spread("perSecond")),
    rate(bare.median("perSecond")),
    spread(bare.spread("perSecond")),
    times(ours.over(bare, "perSecond")),
    times(ours.over(bare, "perCpuSecond")),
    ns(more(ours, bare)),
  ];
}

/** Nine tenths of the bare client's speed, or its time and half a microsecond more for each message. */
export function goalBesideBare(name: string, ours: Samples, bare: Samples): Goal {
  const ratio = ours.over(bare, "perSecond");
  const extra = more(ours, bare);
  return { text: `${name}: ${REACH} of the bare client or ${REACH_NS} ns more (${times(ratio)}, ${ns(extra)})`, reached: ratio >= REACH || extra <= REACH_NS };
}

function more(ours: Samples, bare: Samples): number {
  const others = bare.all("ns");
  return median(ours.all("ns").map((value, round) => value - (others[round] as number)));
}
