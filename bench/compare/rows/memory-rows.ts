import type { MemorySettings } from "../../cases/memory-settings.ts";
import type { MemoryWaySettings } from "../../cases/memory-ways.ts";
import { call } from "../../harness/case.ts";
import type { Row } from "../row.ts";

const simple = (name: string, count: number, way: Omit<MemorySettings, "count" | "warmUp">): Row => ({
  name: `memory ${name}`,
  slice: () => call<MemorySettings>("memory-millrace", { count, warmUp: 0, ...way }),
  warmUps: 5,
  slices: 9,
});

const other = (name: string, count: number, way: MemoryWaySettings["way"]): Row => ({
  name: `memory ${name}`,
  slice: () => call<MemoryWaySettings>("memory-ways", { count, warmUp: 0, way }),
  warmUps: 5,
  slices: 9,
});

/** From publish through the router and a handler to the ack. */
export const MEMORY_ROWS: readonly Row[] = [
  simple("16 B, sync handler", 70_000, { bytes: 16, handler: "sync", concurrency: 1 }),
  simple("256 B, sync handler", 70_000, { bytes: 256, handler: "sync", concurrency: 1 }),
  simple("16 B, async handler", 60_000, { bytes: 16, handler: "async", concurrency: 1 }),
  simple("16 B, published by 100", 120_000, { bytes: 16, handler: "sync", concurrency: 1, perCall: 100 }),
  other("batches of 100", 50_000, "batch"),
  other("concurrency 64, 1,000 keys, async handler", 40_000, "keys"),
  other("4 groups", 40_000, "groups"),
  other("handler that publishes", 30_000, "produce"),
  other("handler that publishes, pipeline 16", 14_000, "pipeline"),
];
