import type { Delivery, From, MaybePromise } from "millrace";
import { type PullAsk, type PullDesk, type PullTarget, type Received, Ring, type Settlement, type UndecodableRecord } from "millrace/adapter";
import { SqlReceipt } from "./claim.ts";
import { describe, timeOf } from "./delivery.ts";
import type { Log, StoredRow } from "./dialect.ts";
import { rawRow, receiveRow } from "./receive-row.ts";

/** A reading without a group: its position lives here, also from one link to the next, and nothing is ever written. A link is what ends it. */
export class ReplayTarget implements PullTarget<SqlReceipt, () => void> {
  readonly #log: Log;
  readonly #topic: string;
  readonly #from: From;
  /** The last offset that was fetched. */
  #after: number | undefined;
  /** As far as there were messages: a place may lie beyond the end. */
  #fetchedTo = 0;
  /** What was fetched, from the first that is not settled on. */
  readonly #fetched: Ring<SqlReceipt> = new Ring();
  /** Of those, the ones that are not settled. */
  #unsettled = 0;
  /** Given back: handed out again first. */
  #returned: SqlReceipt[] = [];

  constructor(log: Log, topic: string, from: From) {
    this.#log = log;
    this.#topic = topic;
    this.#from = from;
  }

  connect(desk: PullDesk<SqlReceipt>): MaybePromise<() => void> {
    const begin = (after: number): (() => void) => {
      this.#after ??= Math.max(0, after);
      return this.#log.watch({ topic: this.#topic, group: undefined, onChange: () => desk.wake(), onTrouble: (error) => desk.lost(error) });
    };
    const from = this.#after ?? this.#log.locate(this.#topic, this.#from);
    return from instanceof Promise ? from.then(begin) : begin(from);
  }

  disconnect(unwatch: () => void): void {
    unwatch();
  }

  fetch(_link: unknown, { count }: PullAsk): MaybePromise<readonly SqlReceipt[]> {
    if (this.#returned.length > 0) return this.#returned.splice(0, count);
    return this.#read(count);
  }

  settle(_link: unknown, verdicts: readonly Settlement<SqlReceipt>[]): void {
    for (const { message } of verdicts) {
      const { receipt } = message;
      receipt.state = "settled";
      receipt.row = undefined;
      this.#unsettled--;
    }
    while (this.#fetched.peek()?.state === "settled") this.#fetched.shift();
  }

  release(_link: unknown, messages: readonly Received<SqlReceipt>[]): void {
    this.#returned.push(...messages.map(({ receipt }) => receipt));
    this.#returned.sort((a, b) => a.offset - b.offset);
  }

  receive(receipt: SqlReceipt): Received<SqlReceipt> {
    return receiveRow(receipt);
  }

  raw(receipt: SqlReceipt): Omit<UndecodableRecord, "error"> {
    return rawRow(receipt);
  }

  describe({ receipt }: Received<SqlReceipt>): Partial<Delivery> {
    return describe(receipt);
  }

  caughtUp(): MaybePromise<boolean> {
    if (this.#returned.length > 0) return false;
    const left = this.#log.remains(this.#topic, undefined, this.#after ?? 0);
    return left instanceof Promise ? left.then((some) => !some) : !left;
  }

  lag(): number | undefined {
    const head = this.#log.head(this.#topic);
    return head === undefined ? undefined : Math.max(0, head - (this.#after ?? 0)) + this.#unsettled;
  }

  oldestAt(): Date | undefined {
    const oldest = this.#fetched.peek();
    return oldest === undefined ? undefined : timeOf(oldest.createdAt);
  }

  #read(count: number): MaybePromise<readonly SqlReceipt[]> {
    const rows = this.#log.read(this.#topic, this.#after ?? 0, count);
    return rows instanceof Promise ? rows.then((late) => this.#take(late, count)) : this.#take(rows, count);
  }

  #take(rows: readonly StoredRow[], count: number): MaybePromise<readonly SqlReceipt[]> {
    const last = rows.at(-1);
    if (last === undefined) return this.#beginsAnew() ? this.#read(count) : [];
    this.#after = last[0];
    this.#fetchedTo = last[0];
    this.#unsettled += rows.length;
    return rows.map((row) => {
      const receipt = new SqlReceipt(row, undefined, 0);
      this.#fetched.push(receipt);
      return receipt;
    });
  }

  /** The log ends before what was read of it already: its numbers have begun anew. */
  #beginsAnew(): boolean {
    const head = this.#log.head(this.#topic);
    if (head === undefined || head === 0 || head >= this.#fetchedTo) return false;
    this.#after = 0;
    this.#fetchedTo = 0;
    return true;
  }
}
