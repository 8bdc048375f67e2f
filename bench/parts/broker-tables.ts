import type { BacklogSettings } from "../cases/broker-backlog.ts";
import type { ReadingWay } from "../cases/broker-client.ts";
import type { BrokerConsumeSettings } from "../cases/broker-consume.ts";
import type { BrokerLatencySettings } from "../cases/broker-latency.ts";
import type { BrokerPublishSettings } from "../cases/broker-publish.ts";
import type { Bench } from "../harness/bench.ts";
import { BESIDE_BARE, besideBare, goalBesideBare } from "../harness/beside-bare.ts";
import { type Call, call } from "../harness/case.ts";
import { ms, rate, whole } from "../harness/format.ts";
import type { Samples } from "../harness/samples.ts";
import type { Goal, Table } from "../harness/section.ts";

/** What is measured of a broker, and where the goals of it go. */
export interface BrokerBench {
  readonly bench: Bench;
  readonly url: string;
  readonly goals: Goal[];
}

const SIZES = [
  [16, "16 B"],
  [1024, "1 KiB"],
] as const;
const UNDER_WAY = 1000;

export interface PublishCounts {
  /** Messages of a run: awaited one by one, single ones under way, by 100 and by 1,000; each half of it at 1 KiB. */
  readonly awaited: number;
  readonly underWay: number;
  readonly batched: number;
  /** The client sends a request for every call: single messages are gathered around it. */
  readonly gather: boolean;
}

export async function publishTable({ bench, url, goals }: BrokerBench, { awaited, underWay, batched, gather }: PublishCounts): Promise<Table> {
  const rows: string[][] = [];
  const row = async (name: string, size: number, count: number, way: Pick<BrokerPublishSettings, "perCall" | "underWay">): Promise<void> => {
    const settings = {
      url,
      count: bench.count(count, Math.ceil(count / 20)),
      warmUp: bench.count(Math.ceil(count / 2), Math.ceil(count / 20)),
      bytes: size,
      ...way,
    };
    const { ours, bare } = await bench.rounds({
      ours: call<BrokerPublishSettings>("broker-publish", { ...settings, client: "millrace" }),
      bare: call<BrokerPublishSettings>("broker-publish", { ...settings, client: "bare", gather: gather && way.underWay !== undefined }),
    });
    rows.push([name, whole(settings.count), ...besideBare(ours, bare)]);
    goals.push(goalBesideBare(`publish ${name}`, ours, bare));
  };
  for (const [bytes, size] of SIZES) {
    const share = bytes === 16 ? 1 : 2;
    await row(`${size}, one at a time, awaited`, bytes, awaited / share, { perCall: 1 });
    await row(`${size}, 1 a call, ${whole(UNDER_WAY)} calls under way`, bytes, underWay / share, { perCall: 1, underWay: UNDER_WAY });
    await row(`${size}, 100 a call, awaited`, bytes, batched / share, { perCall: 100 });
    await row(`${size}, 1,000 a call, awaited`, bytes, batched / share, { perCall: 1000 });
  }
  return { caption: "Publish, until the broker has confirmed the last message:", head: ["way", "messages", ...BESIDE_BARE], rows };
}

export interface ConsumeCounts {
  readonly small: number;
  readonly large: number;
  /** One backlog for all runs: a log is not emptied by reading it. */
  readonly kept: boolean;
  /** Ways in which the bare client is measured too, beside the one that does what ours does. */
  readonly others?: Readonly<Record<string, Partial<ReadingWay>>> | undefined;
}

export async function consumeTable({ bench, url, goals }: BrokerBench, { small, large, kept, others = {} }: ConsumeCounts): Promise<Table> {
  const rows: string[][] = [];
  for (const [bytes, size] of SIZES) {
    const full = bytes === 16 ? small : large;
    const count = bench.count(full, Math.ceil(full / 20));
    const topic = kept ? `backlog-${bytes}` : undefined;
    if (topic !== undefined) await bench.counted(call<BacklogSettings>("broker-backlog", { url, topic, count, bytes }));
    const settings = { url, topic, count, warmUp: bench.count(Math.ceil(full / 2), Math.ceil(full / 20)), bytes };
    const as = (client: "millrace" | "bare", way: Partial<ReadingWay>): Call =>
      call<BrokerConsumeSettings>("broker-consume", { ...settings, client, way: { reader: "router", concurrency: 1, ...way } });
    const ways: Readonly<Record<string, Partial<ReadingWay>>> = {
      "for await": { reader: "for await" },
      "router, concurrency 1": {},
      "router, concurrency 64": { concurrency: 64 },
    };
    const bareNames = Object.keys(others);
    const samples = await bench.rounds<string>({
      bare: as("bare", {}),
      ...Object.fromEntries(Object.entries(ways).map(([name, way]) => [name, as("millrace", way)])),
      ...(bytes === 16 ? { payload: as("millrace", { payloadOnly: true }), "bare payload": as("bare", { payloadOnly: true }) } : {}),
      ...Object.fromEntries(bareNames.map((name) => [name, as("bare", others[name] ?? {})])),
    });
    const add = (name: string, ours: Samples, bare: Samples, counts: boolean): void => {
      rows.push([`${size}, ${name}`, whole(count), ...besideBare(ours, bare)]);
      if (counts) goals.push(goalBesideBare(`consume ${size}, ${name}`, ours, bare));
    };
    const bare = samples.bare as Samples;
    for (const name of Object.keys(ways)) add(name, samples[name] as Samples, bare, true);
    if (samples.payload !== undefined) add("router, handler reads the payload only", samples.payload, samples["bare payload"] as Samples, true);
    for (const name of bareNames) add(name, samples["router, concurrency 1"] as Samples, samples[name] as Samples, false);
  }
  return {
    caption: "Consume a backlog, from the 2,000th call of the handler until the last verdict is with the broker:",
    head: ["size, reader", "messages", ...BESIDE_BARE],
    rows,
  };
}

/** At half of what Millrace bears: the load is the same for both. */
export async function latencyTable(
  { bench, url }: BrokerBench,
  counts: { readonly full: number; readonly seconds: number; readonly gather: boolean },
): Promise<Table> {
  const rows: string[][] = [];
  for (const [bytes, size] of SIZES) {
    const settings = { url, bytes };
    const { full } = await bench.rounds({
      full: call<BrokerLatencySettings>("broker-latency", { ...settings, client: "millrace", count: bench.count(counts.full, Math.ceil(counts.full / 20)) }),
    });
    const perSecond = Math.round(full.median("perSecond") / 2);
    const half = { ...settings, perSecond, count: Math.ceil(perSecond * bench.count(counts.seconds, 1)) };
    const { ours, bare } = await bench.rounds({
      ours: call<BrokerLatencySettings>("broker-latency", { ...half, client: "millrace" }),
      bare: call<BrokerLatencySettings>("broker-latency", { ...half, client: "bare", gather: counts.gather }),
    });
    for (const [name, sample] of Object.entries({ Millrace: ours, bare }))
      rows.push([
        `${size}, ${name}`,
        rate(full.median("perSecond")),
        rate(sample.median("perSecond")),
        ...["p50Ms", "p99Ms", "maxMs"].map((figure) => ms(sample.median(figure))),
      ]);
  }
  return {
    caption: "Latency at half load, from the call of publish to the call of the handler; publisher, router and handler in one thread:",
    head: ["size, client", "Millrace's full load", "sent", "p50", "p99", "most"],
    rows,
  };
}
