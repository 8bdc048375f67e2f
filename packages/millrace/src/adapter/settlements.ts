import { SettleError } from "../errors/index.ts";
import { monotonicMs, startTimer, stopTimer, type TimerHandle } from "../internal/timers.ts";
import type { Received } from "./received.ts";
import type { Session, Settlement } from "./source.ts";

export interface SettlementRules {
  readonly delayMs: number;
  readonly batch: number;
  /** Keeps hurried batches `delayMs` apart. */
  readonly apart: boolean;
  /** The session of the moment, if there is one. */
  session(): Session<unknown> | undefined;
  onError(error: unknown): void;
  /** Verdicts were lost together with their deliveries. */
  onForgotten(count: number): void;
}

/** Wait before verdicts that could not be made durable are offered again. */
const RETRY_MS = 250;
/** Most positions of lost verdicts that are kept for the next `flush`. */
const MOST_FORGOTTEN = 1000;

/** A call of `flush` or a drain under way, with what it is to make durable, and what of that went with its deliveries. */
export interface Flush {
  readonly covers: ReadonlySet<Received>;
  readonly gone: string[];
}

/**
 * Gathers verdicts and hands them to the session in batches, one batch at a time. They leave at once when nothing else is
 * going on, else after a short delay or when enough have gathered. What a session refuses is kept, in order, and offered again.
 */
export class Settlements {
  readonly #rules: SettlementRules;
  #pending: Settlement<unknown>[] = [];
  /** Handed to the session, which has not answered yet. */
  #underWay: Settlement<unknown>[] = [];
  /** Positions of acks that went with their deliveries before they were durable: the next `flush` tells of them. */
  #forgotten: string[] = [];
  readonly #flushes: Set<Flush> = new Set();
  #timer: TimerHandle | undefined;
  #sending: Promise<void> | undefined;
  #sentMs = -Infinity;
  /** What has gathered is to follow the batch under way without a delay. */
  #hurried = false;
  /** Calls of `flush` that wait for the batch under way: theirs is the next one. */
  #flushing = 0;

  constructor(rules: SettlementRules) {
    this.#rules = rules;
  }

  /** `idle`: nothing is left to be handled. */
  add(settlement: Settlement<unknown>, idle: boolean): void {
    this.#pending.push(settlement);
    if (this.#pending.length >= this.#rules.batch) this.send();
    else if (idle) this.#hurry();
    else this.#timer ??= startTimer(() => this.send(), this.#rules.delayMs);
  }

  /** Does not wait for others. */
  addNow(settlement: Settlement<unknown>): void {
    this.#pending.push(settlement);
    this.#hurried = true;
    this.send();
  }

  /** Sends what has gathered, unless a batch is under way: then what gathers meanwhile follows it. */
  send(): void {
    this.stop();
    if (this.#sending !== undefined || this.#pending.length === 0) return;
    const session = this.#rules.session();
    if (session === undefined) return;
    let refused = false;
    this.#sending = this.#deliver(session, false)
      .catch((error: unknown) => {
        refused = true;
        this.#rules.onError(error);
      })
      .finally(() => this.#goOn(refused));
  }

  /** Resolves when every verdict given before is durable; rejects naming those that are not, and those that never will be. */
  async flush(): Promise<void> {
    const call = this.begin(this.#forgotten);
    this.#forgotten = [];
    let failure: SettleError | undefined;
    try {
      await this.flushKept();
    } catch (error) {
      failure = error as SettleError;
    }
    this.end(call, failure);
    if (failure !== undefined) throw failure;
  }

  /** From here on losses of what is to be made durable now are the call's to tell. */
  begin(gone: string[] = []): Flush {
    const call: Flush = { covers: new Set([...this.#underWay, ...this.#pending].map(({ message }) => message)), gone };
    this.#flushes.add(call);
    return call;
  }

  /** Throws when something was lost, naming also what `failure` names. */
  end(call: Flush, failure?: unknown): void {
    this.#flushes.delete(call);
    if (call.gone.length === 0) return;
    throw notDurable([...call.gone, ...(failure instanceof SettleError ? failure.positions : [])], failure);
  }

  /** As `flush`, but without a word about verdicts whose deliveries are lost: nothing can be done for them. */
  async flushKept(): Promise<void> {
    this.#flushing++;
    while (this.#sending !== undefined) await this.#sending;
    this.#flushing--;
    const session = this.#rules.session();
    if (session === undefined) {
      if (this.#pending.length > 0) throw this.#failure(undefined);
      return;
    }
    this.stop();
    let failure: unknown;
    this.#sending = this.#deliver(session, true)
      .catch((error: unknown) => {
        failure = error ?? new Error("unknown");
      })
      .finally(() => this.#goOn(failure !== undefined));
    await this.#sending;
    if (failure === undefined) return;
    throw failure instanceof SettleError ? failure : this.#failure(failure);
  }

  /** Verdicts on deliveries that are lost have no receiver any more. */
  forget(which: (message: Received) => boolean): void {
    const gone = [...this.#underWay, ...this.#pending].filter(({ kind, message }) => kind === "ack" && which(message));
    this.#pending = this.#pending.filter((settlement) => !which(settlement.message));
    this.#underWay = this.#underWay.filter((settlement) => !which(settlement.message));
    if (gone.length === 0) return;
    for (const { message } of gone) this.#tellFlushes(message);
    this.#rules.onForgotten(gone.length);
  }

  /** Every call that waits for the verdict hears of it, else the next one does. */
  #tellFlushes(message: Received): void {
    const position = positionOf(message);
    const calls = [...this.#flushes].filter(({ covers }) => covers.has(message));
    for (const { gone } of calls) gone.push(position);
    if (calls.length === 0 && this.#forgotten.length < MOST_FORGOTTEN) this.#forgotten.push(position);
  }

  stop(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
  }

  async #deliver(session: Session<unknown>, final: boolean): Promise<void> {
    const batch = this.#pending;
    this.#sentMs = monotonicMs();
    this.#hurried = false;
    this.#underWay = batch;
    this.#pending = [];
    try {
      await session.settle(batch, final);
    } catch (error) {
      this.#pending = [...this.#underWay, ...this.#pending];
      throw error;
    } finally {
      this.#underWay = [];
    }
  }

  /** A batch was answered: what has gathered meanwhile follows it, and what was refused is offered again after a while. */
  #goOn(refused: boolean): void {
    this.#sending = undefined;
    if (this.#pending.length === 0) return;
    const free = !refused && this.#flushing === 0;
    if (free && this.#pending.length >= this.#rules.batch) this.send();
    else if (free && this.#hurried) this.#hurry();
    else this.#timer ??= startTimer(() => this.send(), refused ? RETRY_MS : this.#rules.delayMs);
  }

  /** Sends as soon as it may: not beside the batch under way, and not too close behind the last one. */
  #hurry(): void {
    this.#hurried = true;
    const { apart, delayMs } = this.#rules;
    const waitMs = apart ? this.#sentMs + delayMs - monotonicMs() : 0;
    if (waitMs <= 0) this.send();
    else this.#timer ??= startTimer(() => this.send(), waitMs);
  }

  #failure(cause: unknown): SettleError {
    return notDurable(
      this.#pending.map(({ message }) => positionOf(message)),
      cause,
    );
  }
}

function positionOf(message: Received): string {
  return message.delivery.position ?? message.id;
}

function notDurable(positions: readonly string[], cause: unknown): SettleError {
  return new SettleError(`${positions.length} verdicts are not durable at the broker: those messages may be delivered again`, { positions, cause });
}
