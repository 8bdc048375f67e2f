import { MillraceError } from "../errors/index.ts";
import { LATE, untilAborted, within } from "../internal/within.ts";
import { OptionCheck } from "../options/index.ts";
import type { HandlerEntry } from "./handler-entry.ts";

export interface IdleOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Resolves when no handler has anything left to do, seen twice: what one finishes may be another's work. */
export async function untilIdle(entries: () => readonly HandlerEntry[], { signal, timeoutMs }: IdleOptions): Promise<void> {
  new OptionCheck("Router.idle").duration("timeoutMs", timeoutMs, { min: 0, max: Infinity }).done();
  const over = new AbortController();
  try {
    const idle = untilAborted(allIdle(entries, over.signal), signal);
    if ((await within(idle, timeoutMs ?? Infinity)) === LATE) throw notIdle(entries(), timeoutMs);
  } finally {
    over.abort();
  }
}

async function allIdle(entries: () => readonly HandlerEntry[], signal: AbortSignal): Promise<void> {
  const taken = (): number => entries().reduce((sum, { desk }) => sum + desk.taken, 0);
  while (!signal.aborted) {
    const before = taken();
    await Promise.all(entries().map((entry) => entry.runner?.idle(signal)));
    if (before === taken()) return;
  }
}

function notIdle(entries: readonly HandlerEntry[], timeoutMs: number | undefined): MillraceError {
  const busy = entries.filter(({ desk }) => desk.running > 0).map(({ name }) => JSON.stringify(name));
  const who = busy.length === 0 ? "a handler has a backlog" : `at work: ${busy.join(", ")}`;
  return new MillraceError(`the router was not idle within ${timeoutMs} ms; ${who}`, { code: "NOT_IDLE", retryable: true });
}
