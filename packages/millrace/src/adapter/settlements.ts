import { SettleError } from "../errors/index.ts";
import { startTimer, stopTimer, type TimerHandle } from "../internal/timers.ts";
import type { Received } from "./received.ts";
import type { Session, Settlement } from "./source.ts";

export interface SettlementRules {
  readonly delayMs: number;
  readonly batch: number;
  /** The session of the moment, if there is one. */
  session(): Session<unknown> | undefined;
  onError(error: unknown): void;
}

/** Wait before verdicts that could not be made durable are offered again. */
const RETRY_MS = 250;

/**
 * Gathers verdicts and hands them to the session in batches, one batch at a time. They leave at once when nothing else is going
 * on, else after a short delay or when enough have gathered. What a session refuses is kept, in order, and offered again.
 */
export class Settlements {
  readonly #rules: SettlementRules;
  #pending: Settlement<unknown>[] = [];
  /** Handed to the session, which has not answered yet. */
  #underWay: Settlement<unknown>[] = [];
  #timer: TimerHandle | undefined;
  #sending: Promise<void> | undefined;

  constructor(rules: SettlementRules) {
    this.#rules = rules;
  }

  add(settlement: Settlement<unknown>, urgent: boolean): void {
    this.#pending.push(settlement);
    if (urgent || this.#pending.length >= this.#rules.batch) this.send();
    else this.#timer ??= startTimer(() => this.send(), this.#rules.delayMs);
  }

  /** Sends what has gathered, unless a batch is under way: then what gathers meanwhile follows it. */
  send(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
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

  /** Resolves when every verdict so far is durable. */
  async flush(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
    const session = this.#rules.session();
    if (session === undefined) {
      if (this.#pending.length > 0) throw this.#failure(undefined);
      return;
    }
    stopTimer(this.#timer);
    this.#timer = undefined;
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
    this.#pending = this.#pending.filter((settlement) => !which(settlement.message));
    this.#underWay = this.#underWay.filter((settlement) => !which(settlement.message));
  }

  stop(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
  }

  get size(): number {
    return this.#pending.length;
  }

  async #deliver(session: Session<unknown>, final: boolean): Promise<void> {
    const batch = this.#pending;
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
    if (!refused && this.#pending.length >= this.#rules.batch) this.send();
    else this.#timer ??= startTimer(() => this.send(), refused ? RETRY_MS : this.#rules.delayMs);
  }

  #failure(cause: unknown): SettleError {
    const positions = this.#pending.map(({ message }) => message.delivery.position ?? message.id);
    return new SettleError(`${positions.length} verdicts are not durable at the broker: those messages may be delivered again`, { positions, cause });
  }
}
