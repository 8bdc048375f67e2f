import type { HandlerPlan } from "../plan/program.ts";
import type { Ledger } from "./ledger.ts";
import type { Publication } from "./records.ts";

interface Passed {
  readonly text: string;
  readonly lane: string | undefined;
  stored: boolean;
  done: boolean;
  failures: number;
  mayRepeat: boolean;
}

/** What a forwarder or a fan-in has to bring from one topic to its target. */
export class RelayBook {
  readonly name: string;
  readonly plan: HandlerPlan;
  readonly passed: Map<string, Passed> = new Map();
  /** A close's deadline may have cut something off. */
  mayRepeat = false;
  readonly #ledger: Ledger;
  readonly #topic: string;
  readonly #culprits: ReadonlySet<string>;
  readonly #innocent: boolean;

  constructor(ledger: Ledger, name: string, plan: HandlerPlan, topic: string) {
    this.name = name;
    this.plan = plan;
    this.#ledger = ledger;
    this.#topic = topic;
    const { steps } = ledger.program;
    this.#culprits = new Set(steps.flatMap((step) => (step.do === "refuse" ? [step.text] : [])));
    this.#innocent = !steps.some((step) => step.do === "publishes" && step.fail !== undefined);
  }

  add({ topic, text, key }: Publication): void {
    if (topic !== this.#topic) return;
    const { members, steps } = this.#ledger.program;
    const whole = (this.plan.concurrency ?? 1) === 1 && !steps.some((step) => step.do === "lose" && step.key !== undefined);
    const lane = members === 2 ? undefined : whole ? "" : this.plan.unordered ? undefined : key;
    this.passed.set(text, { text, lane, stored: false, done: false, failures: 0, mayRepeat: false });
  }

  /** What has to arrive: without a dead letter not what is refused for good, nor what stands behind it in its lane. */
  left(): readonly string[] {
    if (this.hopeless && this.#ledger.program.members === 2) return []; // which member holds what behind it cannot be told
    const held = new Set<string>();
    const left: string[] = [];
    for (const { text, lane: own, done } of this.passed.values()) {
      const lane = (this.plan.concurrency ?? 1) === 1 ? "" : own;
      const hopeless = !this.plan.deadLetter && this.#culprits.has(text);
      if (hopeless && lane !== undefined) held.add(lane);
      if (!done && !hopeless && (lane === undefined || !held.has(lane))) left.push(text);
    }
    return left;
  }

  /** Something is tried for ever. */
  get hopeless(): boolean {
    return !this.plan.deadLetter && [...this.passed.keys()].some((text) => this.#culprits.has(text));
  }

  /** These are at the target now. */
  stored(texts: readonly string[]): void {
    for (const text of texts) {
      const one = this.passed.get(text);
      if (one === undefined) continue;
      if (one.done && !one.mayRepeat && !this.mayRepeat) this.#ledger.complain("repeated", `${text} is at the target again, and was confirmed before`);
      for (const earlier of this.passed.values()) {
        if (earlier === one) break;
        if (one.lane === undefined || earlier.lane !== one.lane || earlier.stored || earlier.done) continue;
        this.#ledger.complain("order", `${text} is at the target before ${earlier.text}`);
        break;
      }
      one.stored = true;
    }
  }

  confirmed(texts: readonly string[]): void {
    for (const text of texts) {
      const one = this.passed.get(text);
      if (one === undefined || one.done) continue;
      one.done = true;
      this.#ledger.activity++;
      this.#ledger.note(`${this.name}: ${text} is at the target`);
    }
  }

  failed(texts: readonly string[], unknown: boolean): void {
    for (const text of texts) {
      const one = this.passed.get(text);
      if (one === undefined) continue;
      one.failures++;
      one.mayRepeat ||= unknown;
    }
  }

  /** The broker took something away: which, an envelope does not tell. */
  lost(): void {
    this.mayRepeat = true;
  }

  /** Goes to the dead letter. */
  burying(text: string): void {
    const one = this.passed.get(text);
    if (one === undefined) return;
    const { attempts = 3 } = this.plan;
    if (one.failures < attempts) this.#ledger.complain("deadLetter", `${text} failed ${one.failures} of ${attempts} times`);
    else if (this.#innocent && !this.#culprits.has(text)) this.#ledger.complain("deadLetter", `${text} is dead-lettered for what a neighbour did`);
  }

  buried(text: string): void {
    const one = this.passed.get(text);
    if (one !== undefined) one.done = true;
  }
}
