import type { Dice } from "./dice.ts";
import type { Feature } from "./features.ts";
import { generateActs } from "./generate-acts.ts";
import type { HandlerPlan, MessagePlan, Place, Step } from "./program.ts";

export interface Ground {
  readonly on: Place;
  readonly handlers: readonly HandlerPlan[];
  readonly members: boolean;
  /** Two messages of one id could not be told apart: where there is one, it is nobody else's. */
  readonly nameless: boolean;
}

/** What happens, one after the other: messages, time, and the trouble that the features suggest. */
export function generateSteps(dice: Dice, features: ReadonlySet<Feature>, ground: Ground): readonly Step[] {
  const steps = new StepMaker(dice, features, ground);
  return steps.all();
}

class StepMaker {
  readonly #dice: Dice;
  readonly #features: ReadonlySet<Feature>;
  readonly #ground: Ground;
  readonly #steps: Step[] = [];
  readonly #ids: string[] = [];
  #texts = 0;

  constructor(dice: Dice, features: ReadonlySet<Feature>, ground: Ground) {
    this.#dice = dice;
    this.#features = features;
    this.#ground = ground;
  }

  all(): readonly Step[] {
    const dice = this.#dice;
    if (this.#has("refusals")) this.#steps.push({ do: "refuse", text: String(dice.int(1, 4)) });
    if (dice.chance(0.25)) this.#publish();
    if (this.#has("stops") && dice.chance(0.1)) this.#steps.push({ do: "stopThenStart", handler: this.#handler() });
    if (this.#has("starting") && dice.chance(0.3)) this.#steps.push({ do: "hangSubscribe" });
    if (this.#has("starting") && dice.chance(0.15)) this.#steps.push({ do: "close" }, { do: "start" }, { do: "health" });
    this.#start();
    if (this.#has("floods") && this.#ground.on !== "sqlite") this.#flood();
    for (let count = dice.int(4, 18); count > 0; count--) this.#step();
    return this.#steps;
  }

  #has(feature: Feature | "refusals"): boolean {
    return feature === "refusals" ? this.#features.has("relays") && this.#dice.chance(0.3) : this.#features.has(feature);
  }

  #handler(): number | undefined {
    return this.#dice.int(0, this.#ground.handlers.length - 1) || undefined;
  }

  #member(): number | undefined {
    return this.#ground.members && this.#dice.chance(0.5) ? 1 : undefined;
  }

  #start(): void {
    this.#steps.push({ do: "start" });
    if (this.#ground.members) this.#steps.push({ do: "start", member: 1 });
  }

  #step(): void {
    const dice = this.#dice;
    const roll = dice.next();
    if (roll < 0.35) this.#publish();
    else if (roll < 0.65) this.#pass();
    else this.#trouble();
  }

  #pass(): void {
    this.#steps.push({ do: "pass", ms: this.#dice.pick([0, 1, 5, 5, 10, 20, 20, 50, 100, 100, 300, 1000, 1500]) });
  }

  #publish(): void {
    const dice = this.#dice;
    const count = this.#features.has("bursts") && dice.chance(0.3) ? dice.int(8, 30) : dice.pick([1, 1, 1, 2, 3, 4]);
    const { handlers } = this.#ground;
    const topic = handlers[0]?.kind === "fanIn" && dice.chance(0.3) ? "t1" : undefined;
    this.#steps.push({ do: "publish", topic, messages: dice.list(count, () => this.#message()) });
  }

  /** A slow key, and others that should not have to wait for it. */
  #flood(): void {
    const flood: MessagePlan = { text: String(++this.#texts), key: "flood", copies: 1100, acts: [{ sleep: this.#dice.pick([20, 100]) }] };
    this.#steps.push({ do: "publish", messages: [flood, this.#message()] }, { do: "pass", ms: 1500 });
  }

  #message(): MessagePlan {
    const dice = this.#dice;
    const text = String(++this.#texts);
    const repeated = this.#ids.length > 0 && !this.#ground.nameless ? dice.pick(this.#ids) : undefined;
    const id = this.#features.has("ids") ? dice.pick([undefined, "", "", repeated]) : undefined;
    this.#ids.push(id ?? text);
    const key = this.#features.has("keys") ? dice.pick(["a", "a", "b", "c", undefined]) : undefined;
    return { text, key, id, acts: generateActs(dice, this.#features) };
  }

  /** One of those troubles that the program has. */
  #trouble(): void {
    const { on } = this.#ground;
    const kinds: (() => void)[] = [];
    const may = (feature: Feature, make: () => void): void => {
      if (this.#features.has(feature)) kinds.push(make);
    };
    may("pauses", () => this.#push({ do: this.#dice.pick(["pause", "resume"]), handler: this.#handler(), member: this.#member() }));
    may("publishFaults", () => this.#publishFault());
    may("slowPublishes", () => this.#slowPublish());
    may("idles", () => this.#push({ do: "idle", member: this.#member() }));
    may("looks", () => this.#push({ do: "health", member: this.#member() }));
    may("stops", () => this.#push({ do: "stop", handler: this.#handler(), member: this.#member() }));
    may("restarts", () => this.#restart());
    if (on === "lossy") {
      may("losses", () => this.#lose());
      may("cuts", () => this.#cut());
      may("loggers", () => this.#push({ do: "breakVerdict" }));
    }
    if (on === "memory" || on === "persistent") may("buffers", () => this.#push({ do: this.#dice.pick(["readerComes", "readerLeaves"]) }));
    if (this.#dice.chance(0.01)) kinds.push(() => this.#push({ do: "publishNothing" }));
    if (kinds.length === 0) this.#pass();
    else this.#dice.pick(kinds)();
  }

  #push(...steps: Step[]): void {
    this.#steps.push(...steps);
  }

  #restart(): void {
    const member = this.#member();
    this.#push({ do: "close", member, timeoutMs: this.#dice.pick([undefined, undefined, 0, 20, 100, 1000]) });
    if (this.#dice.chance(0.3)) this.#publish();
    if (this.#dice.chance(0.8)) this.#push({ do: "start", member });
  }

  #target(): string {
    const { handlers } = this.#ground;
    const out = handlers.find(({ kind }) => kind === "producing")?.to ?? "out";
    return this.#dice.pick([out, out, out, "dead", "poison"]);
  }

  #publishFault(): void {
    const dice = this.#dice;
    this.#push({
      do: "publishes",
      topic: this.#target(),
      fail: dice.pick(["rejected", "rejected", "unknown"]),
      times: dice.int(1, 3),
      ms: dice.pick([undefined, undefined, 5, 30, 100]),
      confirmed: dice.pick([undefined, undefined, 1]),
    });
  }

  #slowPublish(): void {
    this.#push({ do: "publishes", topic: this.#target(), times: this.#dice.int(1, 4), ms: this.#dice.pick([5, 30, 100, 500]) });
  }

  #lose(): void {
    this.#push({ do: "lose", key: this.#features.has("keys") && this.#dice.chance(0.3) ? this.#dice.pick(["a", "b"]) : undefined });
  }

  #cut(): void {
    this.#push({ do: "cut", losing: this.#dice.chance(0.6) ? true : undefined, fatal: this.#dice.chance(0.15) ? true : undefined });
  }
}
