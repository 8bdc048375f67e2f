import type { PublishOutcome } from "../../errors/index.ts";
import { abortedError, publishError } from "./publish-error.ts";

/** Who keeps the calls: told when one needs no place any more. */
export interface CallKeeper {
  readonly otherCode: string;
  /** What was not sent of it is not to be sent. */
  onFailed(call: PublishCall): void;
  onEnded(call: PublishCall): void;
}

const WAITING = 0;
const SENT = 1;
/** By state: what is told of a message. */
const OUTCOMES: readonly PublishOutcome[] = ["rejected", "unknown", "confirmed", "rejected", "unknown"];
const STATES: Readonly<Record<PublishOutcome, number>> = { confirmed: 2, rejected: 3, unknown: 4 };
const NOTHING: readonly never[] = [];

/**
 * One call of `publish`. Each of its messages waits, is sent, or is decided: confirmed, rejected, unknown. After the first that was
 * not confirmed, those that wait are rejected; what was sent has its own fate. The call ends once, with its last message.
 */
export class PublishCall<Item = unknown> {
  /** Calls of one lane are sent in order. */
  readonly lane: string;
  readonly count: number;
  readonly bytes: number;
  /** On the monotonic clock. */
  readonly deadline: number;
  readonly promise: Promise<void>;
  /** What `encode` made of its messages; none any more when it has ended. */
  items: readonly Item[];
  /** Its place among what waits was given to it. */
  inside = false;
  /** For who sends: the first message that was not taken. */
  next = 0;
  readonly #keeper: CallKeeper;
  readonly #states: number[];
  /** Not decided ones; −1 when it has ended. */
  #left: number;
  #failed = false;
  #error: unknown;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  constructor(keeper: CallKeeper, lane: string, items: readonly Item[], bytes: number, deadline: number) {
    const count = items.length;
    this.#keeper = keeper;
    this.lane = lane;
    this.items = items;
    this.count = count;
    this.bytes = bytes;
    this.deadline = deadline;
    this.#left = count;
    this.#states = new Array<number>(count).fill(WAITING);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get ended(): boolean {
    return this.#left < 0;
  }

  /** Nothing more of it is to be sent for the first time. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Message `index` is not decided. */
  open(index: number): boolean {
    return (this.#states[index] as number) <= SENT;
  }

  /** Aborting rejects what waits, and makes unknown what was sent. */
  endWith(signal: AbortSignal): void {
    this.#signal = signal;
    this.#onAbort = () => this.giveUp(abortedError(signal));
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Message `from` and the `count` − 1 behind it are on their way: the broker may have them. */
  sent(from: number, count = 1): void {
    this.#turn(from, count, WAITING, WAITING, SENT);
  }

  /** They are surely not in the broker, and wait to be sent again; what is not to be sent any more is rejected. */
  unsent(from: number, count = 1): void {
    this.#turn(from, count, SENT, SENT, WAITING);
    if (this.#failed) this.#close(WAITING, "rejected");
  }

  /** They are decided, unless they were before. */
  decide(from: number, count: number, outcome: PublishOutcome, error?: unknown): void {
    this.#turn(from, count, WAITING, SENT, STATES[outcome]);
    if (outcome !== "confirmed") this.#fail(error);
    if (this.#left === 0) this.#end();
  }

  /** Ends it now: what waits is rejected, what was sent is unknown. */
  giveUp(error: unknown): void {
    if (this.#left < 0) return;
    this.#fail(error);
    this.#close(SENT, "unknown");
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#error = error;
    this.#turn(0, this.count, WAITING, WAITING, STATES.rejected);
    this.#keeper.onFailed(this);
  }

  /** Decides all that are in this state. */
  #close(state: number, outcome: PublishOutcome): void {
    this.#turn(0, this.count, state, state, STATES[outcome]);
    if (this.#left === 0) this.#end();
  }

  /** Those of the messages whose state is between `low` and `high` get another one. */
  #turn(from: number, count: number, low: number, high: number, to: number): void {
    const states = this.#states;
    for (let index = from; index < from + count; index++) {
      const state = states[index] as number;
      if (state < low || state > high) continue;
      states[index] = to;
      if (to > SENT) this.#left--;
    }
  }

  #end(): void {
    this.#left = -1;
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
    this.items = NOTHING;
    this.#keeper.onEnded(this);
    if (!this.#failed) this.#resolve();
    else {
      const outcomes = this.#states.map((state) => OUTCOMES[state] as PublishOutcome);
      this.#reject(publishError(this.#error, outcomes, this.#keeper.otherCode));
    }
  }
}
