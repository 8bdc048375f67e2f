import type { ConsumeSettings, PublishSettings } from "../cases/sqlite-settings.ts";
import type { Bench } from "../harness/bench.ts";
import { BESIDE_BARE, besideBare, goalBesideBare } from "../harness/beside-bare.ts";
import { call } from "../harness/case.ts";
import { ms, whole } from "../harness/format.ts";
import type { Samples } from "../harness/samples.ts";
import type { Goal, Part, Section, Table } from "../harness/section.ts";

const SIZES = [16, 256];

/** Publishing and consuming beside the driver alone, with the same tables, settings and commits. */
export const sqlite: Part = {
  name: "sqlite",
  title: "SQLite beside bare node:sqlite",
  async run(bench: Bench): Promise<Section> {
    const { disk } = await bench.rounds({ disk: call("disk", {}) });
    const goals: Goal[] = [];
    return {
      conditions: [
        "both on a file of their own: journal_mode=WAL, synchronous=FULL, busy_timeout=0, default page cache and checkpoints; the same columns, one transaction a batch",
        `a write of 4 KiB and its sync take ${ms(disk.median("syncMs"))} on this disk, in the median`,
        "the bare client makes an id and a time for each message when it publishes, and decodes and calls a handler for each when it consumes",
      ],
      tables: [await publishing(bench, goals), await consuming(bench, goals)],
      goals,
    };
  },
};

async function publishing(bench: Bench, goals: Goal[]): Promise<Table> {
  const rows: string[][] = [];
  for (const bytes of SIZES) {
    for (const batch of [1, 100, 1000]) {
      const count = bench.count(Math.min(300_000, batch * 2000), Math.min(20_000, batch * 50));
      const settings: PublishSettings = { count, batch, bytes };
      const { ours, bare } = await bench.rounds({ ours: call("sqlite-publish-millrace", settings), bare: call("sqlite-publish-bare", settings) });
      rows.push(row(`${bytes} B, ${batch} a call`, count, "", ours, bare));
      if (batch >= 100) goals.push(goalBesideBare(`publish ${bytes} B by ${batch}`, ours, bare));
    }
  }
  const count = bench.count(100_000, 5000);
  const settings: PublishSettings = { count, batch: 1, bytes: 16 };
  const { ours, bare } = await bench.rounds({
    ours: call<PublishSettings>("sqlite-publish-millrace", { ...settings, callers: 64 }),
    bare: call<PublishSettings>("sqlite-publish-bare", { ...settings, batch: 64 }),
  });
  rows.push(row("16 B, 1 a call, 64 calls under way (bare: 64 a transaction)", count, "", ours, bare));
  goals.push(goalBesideBare("publish 16 B, 64 calls under way", ours, bare));
  return { caption: "Publish, one call at a time but in the last row:", head: HEAD, rows };
}

async function consuming(bench: Bench, goals: Goal[]): Promise<Table> {
  const rows: string[][] = [];
  const count = bench.count(200_000, 20_000);
  const warmUp = bench.count(60_000, 20_000);
  for (const bytes of SIZES) {
    for (const [prefetch, concurrency] of [
      [100, 1],
      [undefined, 1],
      [undefined, 64],
    ] as const) {
      const settings: ConsumeSettings = { count, warmUp, bytes, batch: prefetch, concurrency };
      const counted = await bench.counted(call("sqlite-transactions", settings));
      const batch = Math.round(counted.perCommit as number);
      const { ours, bare } = await bench.rounds({
        ours: call("sqlite-consume-millrace", settings),
        bare: call<ConsumeSettings>("sqlite-consume-bare", { ...settings, batch }),
      });
      const name = `${bytes} B, ${prefetch === undefined ? "default prefetch" : `prefetch ${prefetch}`}, concurrency ${concurrency}`;
      rows.push(row(name, count, String(batch), ours, bare));
      goals.push(goalBesideBare(`consume ${name}`, ours, bare));
    }
  }
  return { caption: "Consume a backlog, by a synchronous handler in the router, to the last verdict in the file:", head: HEAD, rows };
}

const HEAD = ["way", "messages", "messages a commit", ...BESIDE_BARE];

function row(name: string, count: number, perCommit: string, ours: Samples, bare: Samples): string[] {
  return [name, whole(count), perCommit, ...besideBare(ours, bare)];
}
