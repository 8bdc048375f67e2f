import { Dice } from "./dice.ts";
import { drawFeatures, type Feature } from "./features.ts";
import { generateHandler } from "./generate-handler.ts";
import { generateSteps } from "./generate-steps.ts";
import { type BusPlan, type HandlerPlan, PLACES, type Place, type Program } from "./program.ts";

export interface GenerateOptions {
  /** Taken in turn. Default: all. */
  readonly places?: readonly Place[] | undefined;
  /** Default: as the dice say. */
  readonly features?: readonly Feature[] | undefined;
}

/** The program of a seed: always the same one. */
export function generate(seed: number, options: GenerateOptions = {}): Program {
  const { places = PLACES } = options;
  const dice = new Dice(seed);
  const on = places[seed % places.length] as Place;
  const drawn = drawFeatures(dice);
  const features = options.features === undefined ? drawn : new Set(options.features);
  const has = (feature: Feature): boolean => features.has(feature);
  const drafts = generateHandlers(dice, features, on);
  const bus = busPlan(dice, features, on);
  const nameless = bus?.nameless === true;
  // Two messages of one id could not be told apart: where there is no position, an id is nobody else's.
  const handlers = nameless ? drafts.map((plan) => (plan.ids === "same" ? { ...plan, ids: undefined } : plan)) : drafts;
  const memory = on === "memory" || on === "persistent";
  const unprovisioned = handlers.some((plan) => plan.unprovisioned);
  // A group that lives with its subscription is gone with it: nothing may end that.
  if (unprovisioned) for (const feature of ["inside", "stops", "restarts", "starting"] as const) features.delete(feature);
  const views = has("views") ? dice.pick([["transform"], ["contract"], ["contract"], ["transform", "contract"]] as const) : undefined;
  return {
    on,
    members: has("members") && !unprovisioned ? 2 : undefined,
    bus,
    views,
    subscribeMs: has("starting") ? dice.pick([undefined, 100, 200]) : undefined,
    deduplicated: has("publishers") && handlers.every(({ kind }) => kind !== "forwarder" && kind !== "fanIn") ? true : undefined,
    brokenLogger: has("loggers") ? true : undefined,
    leaves: has("leaving") && memory ? true : undefined,
    handlers,
    steps: generateSteps(dice, features, { on, handlers, members: has("members") && !unprovisioned, nameless }),
  };
}

function busPlan(dice: Dice, features: ReadonlySet<Feature>, on: Place): BusPlan | undefined {
  if (on === "lossy") {
    return {
      nameless: dice.chance(0.2) ? true : undefined,
      returns: dice.chance(0.3) ? true : undefined,
      settleMs: dice.pick([undefined, undefined, 5, 30]),
      againMs: dice.pick([undefined, undefined, 5, 40, 2000]),
    };
  }
  if (on === "sqlite" || !features.has("buffers")) return undefined;
  return dice.chance(0.5) ? { bufferSize: dice.int(1, 3) } : { blocking: true };
}

function generateHandlers(dice: Dice, features: ReadonlySet<Feature>, on: Place): readonly HandlerPlan[] {
  if (features.has("relays")) {
    const kind = dice.pick(["forwarder", "fanIn"]);
    const concurrency = features.has("concurrency") ? dice.int(2, 3) : undefined;
    return [
      {
        kind,
        concurrency,
        size: dice.pick([undefined, 1, 2, 3]),
        maxWaitMs: kind === "forwarder" ? dice.pick([undefined, 20]) : undefined,
        attempts: dice.int(1, 3),
        minDelayMs: dice.pick([1, 10, 200]),
        deadLetter: features.has("deadLetters") ? true : undefined,
      },
    ];
  }
  const unprovisioned = on === "memory" && features.has("chains") && dice.chance(0.6) ? true : undefined;
  if (features.has("chains")) {
    const first: HandlerPlan = { ...generateHandler(dice, features), kind: "producing", to: "t1" };
    const second: HandlerPlan = { ...generateHandler(dice, features), from: "t1", unprovisioned };
    return [{ ...first, size: undefined, maxWaitMs: undefined }, second];
  }
  const plans = [generateHandler(dice, features)];
  if (features.has("several")) plans.push(generateHandler(dice, features));
  if (on === "memory" && plans.length === 1 && dice.chance(0.03)) return [{ ...(plans[0] as HandlerPlan), unprovisioned: true }];
  return plans;
}
