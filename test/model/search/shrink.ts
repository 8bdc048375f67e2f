import type { Program } from "../plan/program.ts";

export interface Shrunk {
  readonly program: Program;
  /** Programs tried. */
  readonly tried: number;
}

/** What a program or a part of it cannot do without. */
const NEEDED: ReadonlySet<string> = new Set([
  "on",
  "handlers",
  "steps",
  "kind",
  "do",
  "use",
  "text",
  "messages",
  "ms",
  "topic",
  "intervalMs",
  "times",
  "waits",
]);

/** Below this a number makes no sense. */
const LEAST: Readonly<Record<string, number>> = {
  members: 2,
  bufferSize: 1,
  concurrency: 1,
  pipeline: 1,
  size: 1,
  attempts: 1,
  maxDelayMs: 1,
  abandonAfterMs: 1,
  maxRetries: 1,
  failures: 1,
  times: 1,
  intervalMs: 1,
};

/**
 * Makes a program smaller as long as it still fails: leaves out parts of lists, then what need not be said, then makes numbers
 * smaller. Tries no more than `most` programs.
 */
export async function shrink(program: Program, fails: (candidate: Program) => Promise<boolean>, most = 600): Promise<Shrunk> {
  let best = tidy(program) as Program;
  let tried = 0;
  for (let progress = true; progress && tried < most; ) {
    progress = false;
    for (const candidate of smaller(best)) {
      if (++tried > most) break;
      if (!(await fails(candidate as Program))) continue;
      best = candidate as Program;
      progress = true;
      break;
    }
  }
  return { program: best, tried };
}

/** Without what is undefined. */
function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([name, part]) => (part === undefined ? [] : [[name, tidy(part)]])));
}

/** Every value that is this one made smaller in one place, the largest steps first. */
function* smaller(value: unknown): Iterable<unknown> {
  if (Array.isArray(value)) yield* smallerList(value);
  else if (typeof value === "object" && value !== null) yield* smallerObject(value as Readonly<Record<string, unknown>>);
}

function* smallerList(list: readonly unknown[]): Iterable<unknown> {
  for (let size = list.length; size > 0; size = Math.floor(size / 2)) {
    for (let from = list.length - size; from >= 0; from -= size) {
      const left = [...list.slice(0, from), ...list.slice(from + size)];
      if (left.length > 0) yield left;
    }
  }
  for (const [place, part] of list.entries())
    for (const less of typeof part === "number" ? smallerNumber(part, 0) : smaller(part)) yield list.with(place, less);
}

function* smallerObject(object: Readonly<Record<string, unknown>>): Iterable<unknown> {
  for (const name of Object.keys(object)) {
    if (NEEDED.has(name)) continue;
    const { [name]: _left, ...others } = object;
    yield others;
  }
  for (const [name, part] of Object.entries(object)) {
    for (const less of typeof part === "number" ? smallerNumber(part, LEAST[name] ?? 0) : smaller(part)) yield { ...object, [name]: less };
  }
}

/** Round numbers first, so that what is left over is not smaller than it has to be to be read. */
function* smallerNumber(value: number, least: number): Iterable<number> {
  for (const round of [0, 1, 2, 10, 20, 50, 100, 200, 500, 1000]) if (round >= least && round < value) yield round;
}
