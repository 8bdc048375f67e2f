import { type MaybePromise, MillraceError } from "millrace";
import { laterTurn, type PublishCall, Ring } from "millrace/adapter";
import type { Log, NewRow } from "./dialect.ts";

/** Most calls of one transaction. */
const MOST_CALLS = 1000;

/**
 * Puts the calls under way at once into one commit. One transaction a turn of the event loop, each short; a call is one transaction
 * unless it is too long for that. While the database is locked the calls wait here, each until its own time is up.
 */
export class LogWriter {
  readonly #log: Log;
  readonly #calls: Ring<PublishCall<NewRow>> = new Ring();
  #scheduled = false;
  #writing = false;
  /** A transaction with several calls failed: so many of the next ones are tried by themselves. */
  #alone = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  push(call: PublishCall<NewRow>): void {
    this.#calls.push(call);
    this.#schedule();
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
    let calls: PublishCall<NewRow>[] = [];
    const collect = (): readonly (readonly NewRow[])[] => {
      calls = this.#collect(calls);
      return calls.map(({ items, next }) => (next === 0 ? items : items.slice(next)));
    };
    let written: MaybePromise<number>;
    try {
      written = this.#log.append(collect);
    } catch (error) {
      this.#onFailure(calls, error);
      return;
    }
    if (typeof written === "number") this.#onWritten(calls, written);
    else
      written.then(
        (count) => this.#onWritten(calls, count),
        (error: unknown) => this.#onFailure(calls, error),
      );
  }

  /** The calls of the next transaction, in order. `former`: those of the one that it repeats, which was rolled back. */
  #collect(former: readonly PublishCall<NewRow>[]): PublishCall<NewRow>[] {
    this.#mark(former, false);
    const calls: PublishCall<NewRow>[] = [];
    const most = this.#alone > 0 ? 1 : MOST_CALLS;
    for (let index = 0; index < this.#calls.size && calls.length < most; index++) {
      const call = this.#calls.at(index) as PublishCall<NewRow>;
      if (!call.ended) calls.push(call);
    }
    this.#mark(calls, true);
    return calls;
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

  #onWritten(calls: readonly PublishCall<NewRow>[], count: number): void {
    let left = count;
    for (const call of calls) {
      const part = Math.min(left, call.count - call.next);
      call.next += part;
      left -= part;
      call.decide(call.next - part, part, "confirmed");
      if (left === 0) break;
    }
    this.#mark(calls, false);
    this.#goOn();
  }

  #onFailure(collected: readonly PublishCall<NewRow>[], error: unknown): void {
    // Nothing was collected when the database could not even be opened: then it is everybody's failure, one after the other.
    const calls = collected.length > 0 ? collected : [this.#next()].filter((call) => call !== undefined);
    const [first] = calls;
    const outcome = (error as { readonly outcomeUnknown?: boolean }).outcomeUnknown === true ? "unknown" : "rejected";
    // One bad call must not cost the others theirs.
    if (calls.length > 1) this.#alone = calls.length + 1;
    else first?.decide(first.next, first.count - first.next, outcome, MillraceError.is(error) ? error : databaseFailure(error));
    this.#mark(calls, false);
    this.#goOn();
  }

  #goOn(): void {
    this.#writing = false;
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
