import { type MaybePromise, MillraceError } from "millrace";
import { monotonicMs, sleep } from "millrace/adapter";
import type { Log } from "./dialect.ts";
import type { Exchange, Exchanged, GroupRef } from "./exchange.ts";

/** How long whoever ends them waits for the one that is under way. */
const END_PATIENCE_MS = 2_000;

export interface ExchangesRules {
  readonly log: Log;
  readonly group: GroupRef;
  /** What is to be told and asked: see `ExchangeCall`. */
  collect(): Exchange;
  /** What came of it; `at` is when it was collected, on the monotonic clock. */
  takeIn(exchanged: Exchanged, exchange: Exchange, at: number): void;
  /** Nothing of the last one was taken in. */
  onFailure(): void;
  /** One that had to wait is over, and went well. */
  onFree(): void;
}

/** A member's exchanges with its log, one at a time. What there is to tell is looked up in the transaction itself, not before the wait for it. */
export class Exchanges {
  readonly #rules: ExchangesRules;
  #running: Promise<void> | undefined;
  /** Nobody waits any more for the one that is under way. */
  #abandoned = false;

  constructor(rules: ExchangesRules) {
    this.#rules = rules;
  }

  /** One is under way. */
  get running(): Promise<void> | undefined {
    return this.#running;
  }

  /** Called only while none is under way. Synchronous when the database is free. */
  make(patienceMs: number): MaybePromise<void> {
    const { log, group, takeIn, onFailure, onFree } = this.#rules;
    let collected: { readonly exchange: Exchange; readonly at: number } | undefined;
    const onDone = (exchanged: Exchanged): void => {
      if (collected !== undefined) takeIn(exchanged, collected.exchange, collected.at);
    };
    const onError = (error: unknown): never => {
      onFailure();
      throw error;
    };
    let done: MaybePromise<Exchanged>;
    try {
      done = log.exchange({
        group,
        patienceMs,
        check: () => this.#check(),
        collect: () => {
          const at = monotonicMs();
          collected = { exchange: this.#rules.collect(), at };
          return collected.exchange;
        },
      });
    } catch (error) {
      return onError(error);
    }
    if (!(done instanceof Promise)) return onDone(done);
    const running = done.then(onDone, onError).finally(() => {
      this.#running = undefined;
    });
    running.then(onFree, () => {});
    this.#running = running;
    return running;
  }

  /** Waits a little for the one under way, then gives it up. None goes on afterwards. */
  async end(): Promise<void> {
    if (this.#running === undefined) return;
    const ended = new AbortController();
    const late = sleep(END_PATIENCE_MS, ended.signal).then(
      () => {
        this.#abandoned = true;
      },
      () => {},
    );
    await this.#running.catch(() => {});
    ended.abort();
    await late;
    this.#abandoned = false;
  }

  #check(): void {
    if (this.#abandoned) throw new MillraceError("the session was closed meanwhile", { code: "CLOSED" });
  }
}
