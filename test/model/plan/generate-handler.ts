import type { Dice } from "./dice.ts";
import type { Feature } from "./features.ts";
import type { HandlerPlan, Layer } from "./program.ts";

/** A handler with what the features of its program suggest. */
export function generateHandler(dice: Dice, features: ReadonlySet<Feature>): HandlerPlan {
  const has = (feature: Feature): boolean => features.has(feature);
  const kind = kindOf(dice, features);
  const minDelayMs = has("patience") ? dice.pick([200, 1000, 3000]) : has("haste") ? dice.pick([0, 1]) : dice.pick([undefined, 1, 20, 50]);
  return {
    kind,
    concurrency: has("concurrency") ? dice.int(2, 4) : undefined,
    unordered: has("unordered") && dice.chance(0.7) ? true : undefined,
    pipeline: kind === "producing" && has("pipelines") ? dice.int(1, 8) : undefined,
    size: kind === "batch" ? dice.int(1, 4) : undefined,
    maxWaitMs: kind === "batch" ? dice.pick([undefined, 5, 20, 60]) : undefined,
    attempts: has("patience") ? dice.pick([5, 10]) : dice.pick([undefined, 1, 2, 4]),
    minDelayMs,
    maxDelayMs: minDelayMs === 0 ? 1 : minDelayMs === undefined ? undefined : Math.max(minDelayMs, dice.pick([20, 100, 500])),
    deadLetter: has("deadLetters") ? true : undefined,
    abandonAfterMs: has("hangs") ? dice.pick([undefined, 300, 2000]) : undefined,
    ids: kind === "producing" && has("ids") ? dice.pick([undefined, "same", "none"]) : undefined,
    middleware: stack(dice, features),
  };
}

function kindOf(dice: Dice, features: ReadonlySet<Feature>): "consumer" | "producing" | "batch" {
  if (features.has("batches") && dice.chance(0.75)) return "batch";
  if (features.has("producing") || features.has("pipelines")) return "producing";
  return "consumer";
}

/** Middleware in any order: whoever may add it, may add it so. */
function stack(dice: Dice, features: ReadonlySet<Feature>): readonly Layer[] | undefined {
  const layers: Layer[] = [];
  const add = (feature: Feature, make: () => Layer): void => {
    if (features.has(feature) && dice.chance(0.9)) layers.splice(dice.int(0, layers.length), 0, make());
  };
  add("retry", () => ({ use: "retry", maxRetries: dice.int(1, 3), minDelayMs: dice.pick([0, 10, 50, 300, 4000]) }));
  add("timeout", () => ({ use: "timeout", ms: dice.pick([20, 50, 100]) }));
  add("poison", () => ({ use: "poisonQueue" }));
  add("ignore", () => ({ use: "ignoreErrors" }));
  add("deduplicator", () => ({ use: "deduplicator" }));
  add("breaker", () => ({ use: "circuitBreaker", failures: dice.int(1, 3), timeoutMs: dice.pick([50, 200, 1000, 3000]) }));
  add("throttle", () => ({ use: "throttle", intervalMs: dice.pick([20, 100, 4000]) }));
  add("instantAck", () => ({ use: "instantAck" }));
  add("delayOnError", () => ({ use: "delayOnError", minDelayMs: dice.pick([10, 200]) }));
  add("duplicator", () => ({ use: "duplicator" }));
  add("draws", () => ({ use: dice.pick(["randomFail", "randomPanic"]), times: dice.int(1, 4) }));
  add("layers", () => layerOfOurs(dice));
  // A limit outside of a throttle would count the wait for a turn: nobody wants that.
  const limit = layers.findIndex(({ use }) => use === "timeout");
  const throttled = layers.findIndex(({ use }) => use === "throttle");
  if (limit !== -1 && throttled > limit) layers.splice(throttled, 1);
  if (layers.length > 0 && dice.chance(0.15)) layers.splice(dice.int(0, layers.length), 0, { use: dice.pick(["recoverer", "correlationId"]) });
  return layers.length === 0 ? undefined : layers;
}

function layerOfOurs(dice: Dice): Layer {
  if (dice.chance(0.5)) return { use: "failAfter", times: dice.int(1, 3), ms: dice.pick([undefined, 5, 30]) };
  return { use: "slow", waits: dice.list(dice.int(1, 4), () => dice.pick([0, 0, 10, 40])) };
}
