import { whole } from "../harness/format.ts";
import { machine } from "../harness/machine.ts";
import type { Section } from "../harness/section.ts";
import type { Soak } from "./soak.ts";

/** What a soak has found, as a table with a row for each fault. */
export function soakSection({ settings, publishing, checks, ms }: Soak): Section {
  const { plan, capabilities } = settings;
  const handOuts = checks.groups.map(({ group, handOuts }) => `${group} ${whole(handOuts)}`).join(", ");
  const codes = [...publishing.codes].map(([code, count]) => `${code} ${count}×`).join(", ") || "none";
  return {
    conditions: [
      machine(),
      `${whole(plan.messages)} messages of 64 B in ${whole(ms / 1000)} s, published at ${whole(plan.perSecond)} /s at most; ordering is ${capabilities.ordering}`,
      `messages handed out, by group: ${handOuts}; lost: ${checks.groups.map(({ group, missing }) => `${group} ${missing.length}`).join(", ")}`,
      `published again because the outcome was unknown: ${whole(publishing.unknown)}, because they were rejected: ${whole(publishing.rejected)}; failed calls: ${codes}`,
      `how often a rule was broken (nothing lost, order per key among first deliveries, one member a key, repeats within the bounds): ${checks.problems.count}`,
    ],
    tables: [
      {
        head: [
          "fault",
          "strikes",
          "in flight",
          "not flushed",
          "held",
          "gap",
          "unwritten",
          "bound",
          "handed out again",
          "of these flushed",
          "of others",
          "copies",
          "healed after",
        ],
        rows: checks.faults.map((fault) => [
          `${fault.number + 1}. ${fault.kind}`,
          fault.group ?? "all",
          ...[
            fault.inFlight,
            fault.unflushed,
            fault.held,
            fault.gap,
            fault.unwritten,
            fault.bound,
            fault.duplicates,
            fault.flushedDuplicates,
            fault.strayDuplicates,
            fault.copies,
          ].map(whole),
          `${(fault.healedMs / 1000).toFixed(1)} s`,
        ]),
      },
    ],
    goals: [],
  };
}
