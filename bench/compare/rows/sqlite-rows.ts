import type { ConsumeSettings, PublishSettings } from "../../cases/sqlite-settings.ts";
import { call } from "../../harness/case.ts";
import type { Row } from "../row.ts";

const publish = (batch: number, count: number, callers = 1): Row => ({
  name: `sqlite publish, ${callers > 1 ? `${callers} at once` : `${batch} a call`}`,
  slice: () => call<PublishSettings>("sqlite-publish-millrace", { count, warmUp: batch * callers, batch, callers, bytes: 16 }),
  warmUps: 3,
  slices: 7,
});

/**
 * What is held ahead has to grow first: a slice is long. The code of an exchange runs once for a hundred messages: many pass before it is
 * compiled.
 */
const consume = (name: string, count: number, prefetch: number | undefined): Row => ({
  name: `sqlite consume, ${name}`,
  slice: () => call<ConsumeSettings>("sqlite-consume-millrace", { count, warmUp: 0, bytes: 16, batch: prefetch, concurrency: 1 }),
  warmUps: 10,
  slices: 5,
});

/** Publishing, and a backlog through a handler to the last verdict in the file. */
export const SQLITE_ROWS: readonly Row[] = [
  publish(1, 250),
  publish(1, 6000, 64),
  publish(100, 10_000),
  publish(1000, 16_000),
  consume("default prefetch", 20_000, undefined),
  consume("prefetch 100", 8000, 100),
];
