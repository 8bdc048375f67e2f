import type { Dice } from "./dice.ts";

/** What a program may have in it. Each draws a few of them, and does more with those: faults live where two features meet. */
export const FEATURES = [
  "ids", // empty and repeated ones
  "keys",
  "bursts", // many messages
  "floods", // so many of one key that no bound can hold them
  "failures", // handlers that fail
  "permanent",
  "verdicts", // of the handlers' own
  "sleeps",
  "hangs",
  "obeys",
  "batches",
  "pipelines",
  "producing",
  "concurrency",
  "unordered",
  "deadLetters",
  "patience", // long backoffs, hardly ever given up
  "haste", // no backoff
  "retry",
  "timeout",
  "poison",
  "ignore",
  "deduplicator",
  "breaker",
  "throttle",
  "instantAck",
  "delayOnError",
  "duplicator",
  "draws", // layers that draw lots
  "layers", // layers of the model's own
  "publishFaults",
  "slowPublishes",
  "pauses",
  "stops",
  "restarts",
  "inside", // handlers that end their own router
  "losses",
  "cuts",
  "idles",
  "looks", // at health
  "views",
  "members",
  "chains",
  "several", // handlers on one topic
  "relays",
  "starting", // slow subscribes, and hanging ones
  "publishers", // deduplicated
  "loggers",
  "buffers",
  "leaving",
] as const;
export type Feature = (typeof FEATURES)[number];

/** Those that change everything about a program, and hide what others would show. */
const RARE: ReadonlySet<Feature> = new Set([
  "loggers",
  "leaving",
  "buffers",
  "inside",
  "starting",
  "relays",
  "publishers",
  "members",
  "bursts",
  "draws",
  "several",
]);

export function drawFeatures(dice: Dice): Set<Feature> {
  const density = dice.pick([0.12, 0.2, 0.3]);
  // So many messages take long: nothing else is to make it longer.
  if (dice.chance(0.01)) return new Set(["floods", "keys", "concurrency"]);
  return new Set(FEATURES.filter((feature) => feature !== "floods" && dice.chance(RARE.has(feature) ? density / 3 : density)));
}
