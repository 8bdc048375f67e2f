/** Words that people say for one another, where no number of letters would tell. */
const SYNONYMS: readonly (readonly string[])[] = [
  ["maxretries", "attempts", "maxattempts", "tries", "retrycount"],
  ["concurrency", "parallelism", "workers", "threads", "maxinflight"],
  ["subscribe", "subscribetopic", "input", "source"],
  ["publish", "publishtopic", "output", "destination", "target"],
  ["batch", "batchsize", "size"],
  ["url", "uri", "connectionstring"],
  ["brokers", "servers", "bootstrapservers", "hosts"],
  ["windowms", "ttl", "ttlms", "expiresms"],
  ["handle", "callback", "run"],
];
/** A part that is shorter than this is in too many names to tell anything. */
const LEAST_PART = 3;

/** The known name that was most likely meant; `undefined` when none is near. */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const away = distance(given.toLowerCase(), name.toLowerCase());
    if (away >= least) continue;
    least = away;
    nearest = name;
  }
  return nearest;
}

/** How far a name is from another; `Infinity` where nobody would take one for the other. */
function distance(given: string, name: string): number {
  const letters = edits(given, name);
  if (letters <= Math.max(1, Math.min(given.length, name.length) * 0.4)) return letters;
  // Behind everything that is but misspelt; the closer in length the better.
  const apart = Math.abs(given.length - name.length);
  const [short, long] = given.length < name.length ? [given, name] : [name, given];
  if (short.length >= LEAST_PART && long.includes(short)) return 100 + apart;
  return SYNONYMS.some((words) => words.includes(given) && words.includes(name)) ? 200 : Number.POSITIVE_INFINITY;
}

/** Letters added, left out, changed, or swapped with their neighbour. */
function edits(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let at = 1; at <= other.length; at++) {
      const same = one[row - 1] === other[at - 1];
      let least = Math.min((last[at] as number) + 1, (current[at - 1] as number) + 1, (last[at - 1] as number) + (same ? 0 : 1));
      const swapped = row > 1 && at > 1 && one[row - 1] === other[at - 2] && one[row - 2] === other[at - 1];
      if (swapped) least = Math.min(least, (beforeLast[at - 2] as number) + 1);
      current.push(least);
    }
    beforeLast = last;
    last = current;
  }
  return last[other.length] as number;
}
