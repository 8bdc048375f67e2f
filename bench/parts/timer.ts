import type { TimerControlSettings } from "../cases/timer-control.ts";
import type { TimerMemorySettings } from "../cases/timer-memory.ts";
import type { TimerSqliteSettings } from "../cases/timer-sqlite.ts";
import type { Bench } from "../harness/bench.ts";
import { call } from "../harness/case.ts";
import { ms, rate, whole } from "../harness/format.ts";
import type { Samples } from "../harness/samples.ts";
import type { Part, Section } from "../harness/section.ts";

const REACH_MS = 50;

/** How late a 10 ms interval is in a process that is busy with messages. */
export const timer: Part = {
  name: "timer",
  title: "Lateness of a 10 ms interval under full load",
  async run(bench: Bench): Promise<Section> {
    const count = bench.count(1_000_000, 100_000);
    const { control, ...samples } = await bench.rounds({
      control: call<TimerControlSettings>("timer-control", { durationMs: bench.count(2000, 500) }),
      "memory, published while handled": call<TimerMemorySettings>("timer-memory", { count, mode: "live" }),
      "memory, replay of a persistent topic": call<TimerMemorySettings>("timer-memory", { count, mode: "replay" }),
      "SQLite, replay of a backlog": call<TimerSqliteSettings>("timer-sqlite", { count, mode: "replay" }),
      "SQLite, publish by 1,000": call<TimerSqliteSettings>("timer-sqlite", { count, mode: "publish" }),
    });
    const all = Object.entries(samples);
    return {
      conditions: [
        `${whole(count)} messages of 16 B through a synchronous handler in the router, concurrency 1; SQLite with synchronous=FULL`,
        "late by: the time between two ticks, less 10 ms; what the operating system takes from the process counts too",
      ],
      tables: [
        {
          head: ["load", "messages", "p99 late", "most late, median run", "most late, worst run"],
          rows: [
            ...all.map(([name, sample]) => [name, rate(sample.median("perSecond")), ...lateness(sample)]),
            ["control: a loop that only counts, in slices of 8 ms", "", ...lateness(control)],
          ],
        },
      ],
      goals: all.map(([name, sample]) => ({
        text: `${name}: never more than ${REACH_MS} ms late (${ms(sample.worst("lateMaxMs"))})`,
        reached: sample.worst("lateMaxMs") <= REACH_MS,
      })),
    };
  },
};

function lateness(sample: Samples): readonly string[] {
  return [ms(sample.median("lateP99Ms")), ms(sample.median("lateMaxMs")), ms(sample.worst("lateMaxMs"))];
}
