import { wallMs } from "../internal/timers.ts";
import type { NackOptions, ReceivedMessage, Subscription } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import { Bell } from "./bell.ts";

/** What a probe does with a message. `"hold"` leaves it to the test. */
export type Decision = "ack" | "nack" | "hold" | NackOptions;
export type Decide = (handOut: HandOut, probe: Probe) => Decision | Promise<Decision>;

/** One hand-out as the probe saw it. */
export interface HandOut {
  readonly message: ReceivedMessage;
  readonly id: string;
  readonly attempt: number;
  /** Place among this probe's hand-outs, from 0. */
  readonly index: number;
  /** When, in milliseconds since the epoch. */
  readonly at: number;
}

export interface ProbeOptions {
  /** Default: ack everything. */
  readonly decide?: Decide | undefined;
  /** Rung at every hand-out, verdict and end. Default: one of its own. */
  readonly bell?: Bell | undefined;
  /** False: a failing subscription ends the probe instead of failing everyone who waits. Default true. */
  readonly strict?: boolean | undefined;
  /** Default 15,000. */
  readonly patienceMs?: number | undefined;
}

/** Reads a subscription, writes down every hand-out, and lets the test decide the verdicts. */
export class Probe {
  readonly subscription: Subscription;
  readonly handOuts: HandOut[] = [];
  /** Ids handed out at least once. */
  readonly seen: Set<string> = new Set();
  /** Ids whose `ack()` held. */
  readonly acked: Set<string> = new Set();
  /** Handed out and without a verdict of the probe's. */
  readonly holding: Map<string, HandOut> = new Map();
  /** True when the iteration has ended. */
  ended = false;
  /** What the iteration threw. */
  failure: unknown;
  readonly #decide: Decide;
  readonly #bell: Bell;
  readonly #strict: boolean;
  readonly #patienceMs: number;
  readonly #reading: Promise<void>;

  constructor(subscription: Subscription, options: ProbeOptions = {}) {
    new OptionCheck("Probe").known(options, { decide: true, bell: true, strict: true, patienceMs: true }).done();
    this.subscription = subscription;
    this.#decide = options.decide ?? (() => "ack");
    this.#bell = options.bell ?? new Bell();
    this.#strict = options.strict ?? true;
    this.#patienceMs = options.patienceMs ?? 15_000;
    this.#bell.show(() => this.toString());
    this.#reading = this.#read();
  }

  /** Ids in order of their first hand-out. */
  get order(): readonly string[] {
    return [...this.seen];
  }

  /** Every attempt at which the id was handed out, in order. */
  attemptsOf(id: string): readonly number[] {
    return this.handOuts.filter((handOut) => handOut.id === id).map((handOut) => handOut.attempt);
  }

  /** Resolves when the predicate holds; looks again at every hand-out, verdict and end. */
  until(predicate: () => boolean, what: string, timeoutMs: number = this.#patienceMs): Promise<void> {
    return this.#bell.until(predicate, what, timeoutMs);
  }

  /** Gives the decision on a held message; the answer is whether the verdict holds. */
  settle(id: string, decision: Exclude<Decision, "hold"> = "ack"): boolean {
    const handOut = this.holding.get(id);
    if (handOut === undefined) throw new Error(`the probe does not hold ${id} (${this})`);
    return this.#settle(handOut, decision);
  }

  /** Resolves when the iteration has ended. */
  async finished(): Promise<void> {
    await this.#reading;
  }

  /** What it has seen so far, and what its subscription says of itself. */
  toString(): string {
    const { topic } = this.subscription;
    const { state, inFlight, held, lag, detail, lastError } = this.subscription.status();
    const counts = `${this.handOuts.length} hand-outs of ${this.seen.size} messages, ${this.acked.size} acked, ${this.holding.size} in hand`;
    const more = [
      lag === undefined ? "" : `, lag ${lag}`,
      detail === undefined ? "" : `, ${detail}`,
      lastError === undefined ? "" : `, last error: ${lastError.message}`,
    ];
    return `topic ${topic}: ${counts}${this.ended ? ", ended" : ""}; ${state}, ${inFlight} in flight, ${held} held${more.join("")}`;
  }

  async #read(): Promise<void> {
    try {
      for await (const message of this.subscription) this.#note(message);
    } catch (error) {
      this.failure = error;
      if (this.#strict) this.#bell.fail(error);
    }
    this.ended = true;
    this.#bell.ring();
  }

  #note(message: ReceivedMessage): void {
    const handOut: HandOut = { message, id: message.id, attempt: message.delivery.attempt, index: this.handOuts.length, at: wallMs() };
    this.handOuts.push(handOut);
    this.seen.add(handOut.id);
    this.holding.set(handOut.id, handOut);
    try {
      const decision = this.#decide(handOut, this);
      if (decision instanceof Promise)
        decision.then(
          (later) => this.#follow(handOut, later),
          (error: unknown) => this.#bell.fail(error),
        );
      else this.#follow(handOut, decision);
    } catch (error) {
      this.#bell.fail(error);
    }
  }

  #follow(handOut: HandOut, decision: Decision): void {
    if (decision !== "hold") this.#settle(handOut, decision);
    else this.#bell.ring();
  }

  #settle(handOut: HandOut, decision: Exclude<Decision, "hold">): boolean {
    const { message, id } = handOut;
    if (this.holding.get(id) === handOut) this.holding.delete(id);
    const holds = decision === "ack" ? message.ack() : message.nack(decision === "nack" ? undefined : decision);
    if (holds && decision === "ack") this.acked.add(id);
    this.#bell.ring();
    return holds;
  }
}
