import { OptionError } from "../errors/index.ts";
import { wallMs } from "../internal/timers.ts";
import { shown } from "../options/index.ts";
import { DELAYED_FOR_KEY, DELAYED_UNTIL_KEY } from "./delay-keys.ts";
import { formatGoDuration } from "./go-duration.ts";
import type { Metadata } from "./metadata.ts";

export interface Delay {
  readonly delayMs?: number | undefined;
  readonly deliverAt?: Date | undefined;
}

/** Writes a delay into metadata, exact to the millisecond: Go reads a time with a fraction of a second as well as one without. */
export function writeDelay(metadata: Metadata, delay: Delay): void {
  const problems = delayProblems(delay);
  if (problems.length > 0) throw new OptionError("Message", problems);
  const { delayMs, deliverAt } = delay;
  const now = wallMs();
  const due = deliverAt?.getTime() ?? Math.ceil(now + (delayMs ?? 0));
  metadata.set(DELAYED_FOR_KEY, formatGoDuration(Math.max(0, due - now))).set(DELAYED_UNTIL_KEY, new Date(due).toISOString());
}

/** What is wrong with a delay. */
export function delayProblems({ delayMs, deliverAt }: Delay): readonly string[] {
  const problems: string[] = [];
  if (delayMs !== undefined && deliverAt !== undefined) problems.push("delayMs and deliverAt cannot both be given");
  if (delayMs !== undefined && !(typeof delayMs === "number" && delayMs >= 0 && delayMs <= MOST_MS)) {
    problems.push(`delayMs must be a duration in milliseconds of at most 100 years, got ${shown(delayMs)}`);
  }
  if (deliverAt !== undefined && !(deliverAt instanceof Date && deliverAt.getTime() >= FIRST_MS && deliverAt.getTime() <= LAST_MS)) {
    problems.push(`deliverAt must be a valid Date of the years 0 to 9999, got ${String(deliverAt)}`);
  }
  return problems;
}

/** What a time on the wire can say, which has four digits for the year. */
const FIRST_MS = Date.parse("0000-01-01T00:00:00.000Z");
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

const MOST_MS = 100 * 365 * 24 * 3600 * 1000;

/** When a message is due, as its metadata say; `undefined` when they say nothing that can be read. */
export function dueAtOf(metadata: Metadata): Date | undefined {
  const text = metadata.get(DELAYED_UNTIL_KEY);
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time);
}
