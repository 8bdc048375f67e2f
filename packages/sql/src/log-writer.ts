import { type MaybePromise, MillraceError, type PublishOutcome } from "millrace";
import { laterTurn, type PublishCall, type PublishDesk, Ring } from "millrace/adapter";
import type { Log, NewRow } from "./dialect.ts";

/** Most calls of one transaction. */
const MOST_CALLS = 1000;

/**
 * Puts the calls under way at once into one commit. One transaction a turn of the event loop, each short; a call is one transaction
 * unless it is too long for that. While the database is locked the calls wait here, each until its own time is up.
 */
export class LogWriter implements PublishDesk<NewRow> {
  readonly #log: Log;
  readonly #calls: Ring<PublishCall<NewRow>> = new Ring();
  #scheduled = false;
  #writing = false;
  /** In the transaction that is under way. */
  #collected: readonly PublishCall<NewRow>[] = [];
  #idle: (() => void)[] = [];
  /** A transaction with several calls failed: so many of the next ones are tried by themselves. */
  #alone = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  begin(call: PublishCall<NewRow>): void {
    this.#calls.push(call);
    this.#schedule();
  }

  /** Resolves when no transaction is under way that writes: calls may have ended before theirs. */
  idle(): Promise<void> {
    return this.#log.synchronous || this.#collected.length === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled || this.#writing) return;
    this.#scheduled = true;
    // Not in this turn: the calls that the same turn still makes are to share the commit, and timers get their time between two.
    laterTurn(() => {
      this.#scheduled = false;
      this.#write();
    });
  }

  #write(): void {
    if (this.#next() === undefined) return;
    this.#writing = true;
    let written: MaybePromise<number>;
    try {
      written = this.#log.append(() => this.#collect());
    } catch (error) {
      this.#onFailure(error);
      return;
    }
    if (typeof written === "number") this.#onWritten(written);
    else
      written.then(
        (count) => this.#onWritten(count),
        (error: unknown) => this.#onFailure(error),
      );
  }

  /** The rows of the next transaction, in order. If there were others before, it repeats a transaction that was rolled back. */
  #collect(): readonly (readonly NewRow[])[] {
    this.#mark(this.#collected, false);
    const calls: PublishCall<NewRow>[] = [];
    const most = this.#alone > 0 ? 1 : MOST_CALLS;
    for (let index = 0; index < this.#calls.size && calls.length < most; index++) {
      const call = this.#calls.at(index) as PublishCall<NewRow>;
      if (!call.ended) calls.push(call);
    }
    this.#mark(calls, true);
    this.#collected = calls;
    return calls.map(({ items, next }) => (next === 0 ? items : items.slice(next)));
  }

  /** Where a transaction lasts, what is in it may be in the log. */
  #mark(calls: readonly PublishCall<NewRow>[], sent: boolean): void {
    if (this.#log.synchronous) return;
    for (const call of calls) {
      if (call.ended) continue;
      if (sent) call.sent(call.next, call.count - call.next);
      else call.unsent(call.next, call.count - call.next);
    }
  }

  #onWritten(count: number): void {
    let left = count;
    for (const call of this.#collected) {
      const part = Math.min(left, call.count - call.next);
      call.next += part;
      left -= part;
      call.decide(call.next - part, part, "confirmed");
      if (left === 0) break;
    }
    this.#goOn();
  }

  #onFailure(error: unknown): void {
    const known = MillraceError.is(error) ? error : databaseFailure(error);
    const decide = (call: PublishCall<NewRow> | undefined, outcome: PublishOutcome): void => call?.decide(call.next, call.count - call.next, outcome, known);
    // What may be in the log is not written again.
    if ((error as { readonly outcomeUnknown?: boolean }).outcomeUnknown === true) for (const call of this.#collected) decide(call, "unknown");
    // One bad call must not cost the others theirs.
    else if (this.#collected.length > 1) this.#alone = this.#collected.length + 1;
    // Nothing was collected when the database could not even be opened: then it is everybody's failure, one after the other.
    else decide(this.#collected[0] ?? this.#next(), "rejected");
    this.#goOn();
  }

  #goOn(): void {
    this.#mark(this.#collected, false);
    this.#collected = [];
    this.#writing = false;
    for (const resolve of this.#idle.splice(0)) resolve();
    if (this.#alone > 0) this.#alone--;
    if (this.#next() !== undefined) this.#schedule();
  }

  #next(): PublishCall<NewRow> | undefined {
    while (this.#calls.peek()?.ended === true) this.#calls.shift();
    return this.#calls.peek();
  }
}

function databaseFailure(error: unknown): MillraceError {
  return new MillraceError(error instanceof Error ? error.message : String(error), { code: "DATABASE_ERROR", cause: error });
}
