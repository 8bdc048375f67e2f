import { type Message, type Metadata, MillraceError, OptionError } from "millrace";
import { wallMs } from "millrace/adapter";

/** Watermill's metadata keys of a delayed message: an RFC 3339 time, and the delay as Go writes a duration. */
export const DELAYED_UNTIL = "_watermill_delayed_until";
export const DELAYED_FOR = "_watermill_delayed_for";

export type Delay = { readonly delayMs: number } | { readonly until: Date };

/**
 * A copy of `message` that enters the log only after the delay. It waits in a side table meanwhile, on disk, and holds nobody up.
 *
 * ```ts
 * await pubsub.publish("reminders", delayed(Message.json({ id: 1 }), { delayMs: 60_000 }));
 * ```
 */
export function delayed(message: Message, delay: Delay): Message {
  const now = wallMs();
  const until = "until" in delay ? delay.until.getTime() : now + delay.delayMs;
  if (!Number.isFinite(until) || ("delayMs" in delay && delay.delayMs < 0)) {
    throw new OptionError("delayed", ["give { delayMs } of at least 0, or { until } as a valid Date"]);
  }
  const copy = message.copy();
  copy.metadata.set(DELAYED_UNTIL, new Date(until).toISOString().replace(".000Z", "Z"));
  copy.metadata.set(DELAYED_FOR, goDuration("delayMs" in delay ? delay.delayMs : Math.max(0, until - now)));
  return copy;
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** When a message may enter the log; `undefined` for at once. Throws `INVALID_DELAY` for a text that is no time. */
export function dueMs(metadata: Metadata): number | undefined {
  const text = metadata.get(DELAYED_UNTIL);
  if (text === undefined) return undefined;
  const due = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(due))
    throw new MillraceError(`${DELAYED_UNTIL} must be an RFC 3339 time, got ${JSON.stringify(text.slice(0, 64))}`, { code: "INVALID_DELAY" });
  return due > wallMs() ? due : undefined;
}

/** `1m30s`, `1.5s`, `100ms`, `36h5m0.25s`, `0s`. */
export function goDuration(ms: number): string {
  if (ms === 0) return "0s";
  if (ms < 1) return `${Math.round(ms * 1000)}µs`;
  if (ms < 1000) return `${Math.round(ms * 1e6) / 1e6}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = Math.round((ms % 60_000) * 1e6) / 1e9;
  return `${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds}s`;
}
