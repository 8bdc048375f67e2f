import { createHash } from "node:crypto";
import { LONGEST_DELAY_MS } from "./delay-route.ts";

/** Where a message goes when it is due. */
export interface DelayExit {
  /** `""` is the default exchange. */
  readonly exchange: string;
  readonly routingKey: string;
  /** What no queue takes then waits until one does, instead of being dropped. */
  readonly keep: boolean;
}

/** How long the last queue before an exit outlives its last declaration, by the longest delay of what goes through it. */
export interface ExitClass {
  readonly name: string;
  readonly longestMs: number;
  readonly expiresMs: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Long before it expires, what is still used is declared again; and soon, should somebody have deleted it. */
export const DECLARE_AGAIN_MS: number = MINUTE;
/** For the queues of the digits: what was let in last must find each of them. */
export const STEP_EXPIRES_MS: number = 49 * DAY;

const CLASSES: readonly ExitClass[] = [
  { name: "5m", longestMs: 5 * MINUTE, expiresMs: 30 * MINUTE },
  { name: "1h", longestMs: HOUR, expiresMs: 2 * HOUR },
  { name: "1d", longestMs: DAY, expiresMs: 2 * DAY },
];
const LONGEST_CLASS: ExitClass = { name: "45d", longestMs: LONGEST_DELAY_MS, expiresMs: STEP_EXPIRES_MS };

/** A message on its way to an exit: due at `dueMs` since the epoch. */
export interface Hold {
  readonly exit: DelayExit;
  readonly dueMs: number;
  readonly class: ExitClass;
  /** The last queue, by name, and the word at the end of the routing key that leads there. */
  readonly gate: string;
  readonly word: string;
  /** Exit and class in words, which travel with the message. */
  readonly note: string;
}

export function holdFor(exit: DelayExit, dueMs: number, delayMs: number): Hold {
  const known = CLASSES.find(({ longestMs }) => delayMs <= longestMs) ?? LONGEST_CLASS;
  return holdIn(known, exit, dueMs);
}

/** What a message carries with it tells how it was held back; `undefined` for what no note is. */
export function holdOf(note: unknown): Hold | undefined {
  try {
    const [exchange, routingKey, keep, name] = JSON.parse(String(note)) as readonly unknown[];
    const known = [...CLASSES, LONGEST_CLASS].find((each) => each.name === name);
    if (known === undefined || typeof exchange !== "string" || typeof routingKey !== "string" || typeof keep !== "boolean") return undefined;
    return holdIn(known, { exchange, routingKey, keep }, 0);
  } catch {
    return undefined;
  }
}

function holdIn(known: ExitClass, exit: DelayExit, dueMs: number): Hold {
  const note = noteOf(exit, known);
  const word = wordOf(note);
  return { exit, dueMs, class: known, gate: gateName(exit, known, word), word, note };
}

/** Of exits used lately: hashing for every message would cost more than sending it. */
const WORDS = new Map<string, string>();

function noteOf({ exchange, routingKey, keep }: DelayExit, { name }: ExitClass): string {
  return JSON.stringify([exchange, routingKey, keep, name]);
}

function wordOf(text: string): string {
  let word = WORDS.get(text);
  if (word === undefined) {
    word = createHash("sha256").update(text).digest("base64url").slice(0, 22);
    if (WORDS.size >= 1_000) WORDS.clear();
    WORDS.set(text, word);
  }
  return word;
}

const MOST_BYTES = 200;

/** `millrace.delay.to.orders:.5m`; with the word where exchange and key could not be told apart, or are too long. */
function gateName({ exchange, routingKey, keep }: DelayExit, { name }: ExitClass, word: string): string {
  const where = `${exchange}:${routingKey}`;
  const plain = where.indexOf(":") === where.lastIndexOf(":") && Buffer.byteLength(where) <= MOST_BYTES;
  const shown = plain ? where : `${Buffer.from(where).subarray(0, 100).toString().replaceAll("\ufffd", "")}…${word}`;
  return `${PREFIX}to.${shown}.${name}${keep ? "" : ".drops"}`;
}

/** How everything begins that holds messages back. */
export const PREFIX = "millrace.delay.";
