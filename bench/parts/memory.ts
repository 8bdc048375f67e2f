import type { MemorySettings } from "../cases/memory-settings.ts";
import type { Bench } from "../harness/bench.ts";
import { call } from "../harness/case.ts";
import { rate, spread, times, whole } from "../harness/format.ts";
import type { Samples } from "../harness/samples.ts";
import type { Part, Section } from "../harness/section.ts";

/** To be reached where the yardstick runs twice as fast; elsewhere half of the yardstick. */
const REACH = 2_000_000;

type Way = Pick<MemorySettings, "bytes" | "handler" | "concurrency" | "perCall" | "ownPayload">;

const HANDLERS = { sync: "synchronous handler", async: "async handler", id: "handler reads the id" } as const;

function ways(): readonly Way[] {
  const sizes = [16, 256];
  return [
    ...sizes.flatMap((bytes) => [1, 64].map((concurrency): Way => ({ bytes, handler: "sync", concurrency }))),
    { bytes: 16, handler: "async", concurrency: 64 },
    ...sizes.map((bytes): Way => ({ bytes, handler: "sync", concurrency: 1, perCall: 100 })),
    { bytes: 16, handler: "id", concurrency: 1 },
    { bytes: 256, handler: "sync", concurrency: 1, ownPayload: true },
  ];
}

/** From publish through the router's handler to the ack, beside the yardstick and beside what one writes without a library. */
export const memory: Part = {
  name: "memory",
  title: "Memory, end to end",
  async run(bench: Bench): Promise<Section> {
    const count = bench.count(600_000, 60_000);
    const warmUp = bench.count(300_000, 60_000);
    const rows: string[][] = [];
    const measured: { readonly way: Way; readonly ours: Samples; readonly ratio: number }[] = [];
    for (const way of ways()) {
      const settings: MemorySettings = { ...way, count, warmUp };
      const { ours, yardstick, awaited, bare } = await bench.rounds({
        ours: call("memory-millrace", settings),
        yardstick: call("memory-yardstick", settings),
        awaited: call<MemorySettings>("memory-yardstick", { ...settings, awaitEach: true }),
        bare: call("memory-emitter", settings),
      });
      measured.push({ way, ours, ratio: ours.over(yardstick, "perSecond") });
      rows.push([
        label(way),
        rate(ours.median("perSecond")),
        spread(ours.spread("perSecond")),
        ours.median("cores").toFixed(2),
        rate(ours.median("perCpuSecond")),
        rate(yardstick.median("perSecond")),
        times(ours.over(yardstick, "perSecond")),
        times(ours.over(yardstick, "perCpuSecond")),
        rate(awaited.median("perSecond")),
        rate(bare.median("perSecond")),
      ]);
    }
    return {
      conditions: [
        `${whole(count)} messages a run after ${whole(warmUp)} to warm up; one topic, one handler, buffer of 10,000; every call of publish is awaited`,
        "one payload sent again and again (payloads are shared, not copied) but where the row says that each message has its own",
        "the yardstick and the emitter wait only when told that the buffer (4,096) is full; the yardstick makes an id for each message, the emitter only where the handler reads it",
      ],
      tables: [
        {
          head: [
            "way",
            "Millrace",
            "spread",
            "cores busy",
            "per CPU second",
            "yardstick",
            "of the yardstick",
            "by CPU time",
            "yardstick, each awaited",
            "emitter and queue",
          ],
          rows,
        },
      ],
      goals: measured
        .filter(({ way }) => way.handler === "sync" && way.concurrency === 1 && way.ownPayload === undefined)
        .map(({ way, ours, ratio }) => ({
          text: `${label(way)}: ${rate(REACH)}, or half of the yardstick (${rate(ours.median("perSecond"))}, ${times(ratio)})`,
          reached: ours.median("perSecond") >= REACH || ratio >= 0.5,
        })),
    };
  },
};

function label({ bytes, handler, concurrency, perCall, ownPayload }: Way): string {
  const calls = perCall === undefined ? "" : `, ${perCall} a call`;
  return `${bytes} B, ${HANDLERS[handler]}, concurrency ${concurrency}${calls}${ownPayload === true ? ", own payload each" : ""}`;
}
