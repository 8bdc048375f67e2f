import type { IdleSettings } from "../cases/idle.ts";
import type { LatencyMemorySettings } from "../cases/latency-memory.ts";
import type { WakeUpSettings } from "../cases/wake-up.ts";
import type { Bench } from "../harness/bench.ts";
import { call } from "../harness/case.ts";
import { ms, percent, rate, us, whole } from "../harness/format.ts";
import type { Part, Section } from "../harness/section.ts";

const WAKE_UP_MS = 100;
const IDLE = 0.01;

/** How long a message is on its way, and what waiting for one costs. */
export const latency: Part = {
  name: "latency",
  title: "Latency and idling",
  async run(bench: Bench): Promise<Section> {
    const count = bench.count(500_000, 50_000);
    const wakeUps = bench.count(200, 40);
    const everyMs = 25;
    const durationMs = bench.count(3000, 1500);
    const { memory, wakeUp, ...idle } = await bench.rounds({
      memory: call<LatencyMemorySettings>("latency-memory", { count }),
      wakeUp: call<WakeUpSettings>("wake-up", { count: wakeUps, everyMs }),
      "memory, 1 handler": call<IdleSettings>("idle", { adapter: "memory", handlers: 1, durationMs }),
      "SQLite, 1 handler": call<IdleSettings>("idle", { adapter: "sqlite", handlers: 1, durationMs }),
      "SQLite, 20 handlers": call<IdleSettings>("idle", { adapter: "sqlite", handlers: 20, durationMs }),
    });
    const worstWakeUp = wakeUp.worst("p99Ms");
    return {
      conditions: [
        `memory: ${whole(count)} messages of 16 B, publish and handler in one thread; full load was ${rate(memory.median("perSecond"))}, with a look at the clock before and after each`,
        `SQLite: ${whole(wakeUps)} messages a run, ${everyMs} ms apart in the mean, from another process; synchronous=FULL, pollMs at its default`,
        `idle: processor time over ${durationMs / 1000} s, from one second after the start`,
      ],
      tables: [
        {
          head: ["from, to", "p50", "p99", "most"],
          rows: [
            ["memory, publish to handler, one message under way", us(memory.median("oneP50Ms")), us(memory.median("oneP99Ms")), us(memory.median("oneMaxMs"))],
            ["memory, publish to handler, half load", us(memory.median("halfP50Ms")), us(memory.median("halfP99Ms")), us(memory.median("halfMaxMs"))],
            ["SQLite, commit in another process to handler", ms(wakeUp.median("p50Ms")), ms(wakeUp.median("p99Ms")), ms(wakeUp.median("maxMs"))],
            ["SQLite, call of publish in another process to handler", ms(wakeUp.median("callP50Ms")), ms(wakeUp.median("callP99Ms")), ""],
          ],
        },
        {
          head: ["idle with", "of one core, median", "worst run"],
          rows: Object.entries(idle).map(([name, sample]) => [name, percent(sample.median("busy")), percent(sample.worst("busy"))]),
        },
      ],
      goals: [
        { text: `SQLite wakes another process within ${WAKE_UP_MS} ms at p99, in every run (${ms(worstWakeUp)})`, reached: worstWakeUp <= WAKE_UP_MS },
        ...Object.entries(idle).map(([name, sample]) => ({
          text: `${name}: idle under ${percent(IDLE)} of a core (${percent(sample.median("busy"))})`,
          reached: sample.median("busy") < IDLE,
        })),
      ],
    };
  },
};
