import type { Dice } from "./dice.ts";
import type { Feature } from "./features.ts";
import type { Act } from "./program.ts";

/** What the handlers do with one message, call by call; mostly nothing special. */
export function generateActs(dice: Dice, features: ReadonlySet<Feature>): readonly Act[] | undefined {
  const wild = ["failures", "permanent", "verdicts", "sleeps", "hangs", "inside"].filter((feature) => features.has(feature as Feature)).length;
  if (wild === 0 || dice.chance(0.35)) return undefined;
  return dice.list(dice.pick([1, 1, 1, 2, 2, 3, 4]), () => generateAct(dice, features));
}

function generateAct(dice: Dice, features: ReadonlySet<Feature>): Act {
  const has = (feature: Feature, probability: number): boolean => features.has(feature) && dice.chance(probability);
  const hang = has("hangs", 0.25) ? true : undefined;
  const sleep = hang === undefined && has("sleeps", 0.6) ? dice.pick([1, 10, 30, 60, 150, 400]) : undefined;
  const verdict = has("verdicts", 0.4) ? dice.pick(["ack", 0, 10, 50, 300, "nack", "nack", "uncounted"] as const) : undefined;
  return {
    sleep,
    hang,
    obey: (sleep !== undefined || hang) && has("obeys", 0.5) ? true : undefined,
    verdict,
    early: verdict !== undefined && (sleep !== undefined || hang) && dice.chance(0.5) ? true : undefined,
    end: has("permanent", 0.25) ? "permanent" : has("failures", 0.5) ? dice.pick(["throw", "throw", "reject", "panic"]) : undefined,
    make: features.has("producing") && dice.chance(0.1) ? dice.pick([0, 2]) : undefined,
    ends: has("inside", 0.1) ? dice.pick(["router", "handler"]) : undefined,
  };
}
