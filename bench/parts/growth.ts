import type { GrowthSettings } from "../cases/growth.ts";
import type { MemoryHeldSettings } from "../cases/memory-held.ts";
import type { Bench } from "../harness/bench.ts";
import { type Call, call } from "../harness/case.ts";
import { mib, ns, spread, whole } from "../harness/format.ts";
import type { Part, Section } from "../harness/section.ts";

/** A message among many may cost so much more than one among few before it is no longer called flat. */
const FLAT = 1.25;

/** What a message costs when there are many of them, and many topics; what memory is held. */
export const growth: Part = {
  name: "growth",
  title: "Growth and memory held",
  async run(bench: Bench): Promise<Section> {
    const warmUp = bench.count(300_000, 50_000);
    const counts = bench.quick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000, 10_000_000];
    const topics = [1, 10, 100, 1000];
    const perTopics = bench.count(1_000_000, 100_000);
    const held = bench.quick ? [10_000] : [10_000, 100_000];
    const calls: Record<string, Call> = {};
    for (const count of counts) calls[`count ${count}`] = call<GrowthSettings>("growth", { count, topics: 1, warmUp });
    for (const each of topics) calls[`topics ${each}`] = call<GrowthSettings>("growth", { count: perTopics, topics: each, warmUp });
    for (const each of topics) calls[`yardstick ${each}`] = call<GrowthSettings>("growth-yardstick", { count: perTopics, topics: each, warmUp });
    for (const count of held) calls[`held ${count}`] = call<MemoryHeldSettings>("memory-held", { count });
    const samples = await bench.rounds(calls);
    const of = (name: string): NonNullable<(typeof samples)[string]> => {
      const found = samples[name];
      if (found === undefined) throw new Error(`nothing was measured for ${name}`);
      return found;
    };
    const row = (text: string, name: string): string[] => [
      text,
      ns(of(name).median("ns")),
      spread(of(name).spread("ns")),
      ns(of(name).median("cpuNs")),
      mib(of(name).median("maxRssBytes")),
    ];
    // Against the cheapest of the smaller ones, so that a dear beginning hides no rise.
    const rise = (names: readonly string[]): number => {
      const costs = names.map((name) => of(name).median("cpuNs"));
      return (costs.at(-1) as number) / Math.min(...costs.slice(0, -1));
    };
    const byCount = rise(counts.map((count) => `count ${count}`));
    const byTopics = rise(topics.map((each) => `topics ${each}`));
    return {
      conditions: [`16 B, synchronous handler, concurrency 1, every publish awaited; after ${whole(warmUp)} messages to warm up`],
      tables: [
        {
          caption: "One topic:",
          head: ["messages", "each", "spread", "CPU time each", "most memory of the process"],
          rows: counts.map((count) => row(whole(count), `count ${count}`)),
        },
        {
          caption: `${whole(perTopics)} messages over so many topics, in turn, each topic with its handler:`,
          head: ["topics", "each", "spread", "CPU time each", "most memory of the process", "yardstick, each awaited"],
          rows: topics.map((each) => [...row(whole(each), `topics ${each}`), ns(of(`yardstick ${each}`).median("ns"))]),
        },
        {
          caption: "Heap after collection, with the buffer full and after all was handled:",
          head: ["messages in the buffer", "held", "each, payload shared", "left when handled"],
          rows: held.map((count) => {
            const sample = of(`held ${count}`);
            return [
              whole(count),
              mib(sample.median("fullBytes")),
              `${sample.median("bytesPerMessage").toFixed(0)} B`,
              `${(sample.median("leftBytes") / 1024).toFixed(0)} KiB`,
            ];
          }),
        },
      ],
      goals: [
        {
          text: `flat from ${whole(counts[0] as number)} to ${whole(counts.at(-1) as number)} messages: CPU time ${byCount.toFixed(2)}×`,
          reached: byCount < FLAT,
        },
        { text: `flat from 1 to 1,000 topics: CPU time ${byTopics.toFixed(2)}×`, reached: byTopics < FLAT },
      ],
    };
  },
};
