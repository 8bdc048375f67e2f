import type { Delivery, From, MaybePromise } from "millrace";
import { type Intake, laterTurn, type Received, type Session, type Source } from "millrace/adapter";
import { SqlReceipt } from "./claim.ts";
import { describe } from "./delivery.ts";
import type { Log, StoredRow } from "./dialect.ts";
import { takeRow } from "./take-row.ts";

/** A reading without a group: its position lives here, also from one session to the next, and nothing is ever written. */
export class ReplaySource implements Source<SqlReceipt> {
  readonly #log: Log;
  readonly #topic: string;
  readonly #from: From;
  /** The last offset that was fetched; `undefined` until the reading begins. */
  after: number | undefined;

  constructor(log: Log, topic: string, from: From) {
    this.#log = log;
    this.#topic = topic;
    this.#from = from;
  }

  open(intake: Intake<SqlReceipt>): MaybePromise<Session<SqlReceipt>> {
    const begin = (after: number): ReplaySession => {
      this.after ??= Math.max(0, after);
      return new ReplaySession(this.#log, this.#topic, intake, this as { after: number });
    };
    const from = this.after ?? this.#log.locate(this.#topic, this.#from);
    return from instanceof Promise ? from.then(begin) : begin(from);
  }
}

class ReplaySession implements Session<SqlReceipt> {
  readonly #log: Log;
  readonly #topic: string;
  readonly #intake: Intake<SqlReceipt>;
  readonly #place: { after: number };
  readonly #unwatch: () => void;
  /** Given back: handed out again first. */
  #returned: Received<SqlReceipt>[] = [];
  #wanted = 0;
  #scheduled = false;
  #reading = false;
  #closed = false;

  constructor(log: Log, topic: string, intake: Intake<SqlReceipt>, place: { after: number }) {
    this.#log = log;
    this.#topic = topic;
    this.#intake = intake;
    this.#place = place;
    this.#unwatch = log.watch({ topic, group: undefined, onChange: () => this.#pull(), onTrouble: (error) => intake.fail(error) });
  }

  want(count: number): void {
    this.#wanted = count;
    this.#pull();
  }

  settle(): void {}

  giveBack(messages: readonly Received<SqlReceipt>[]): void {
    this.#returned.push(...messages);
    this.#returned.sort((a, b) => a.receipt.offset - b.receipt.offset);
  }

  describe({ receipt }: Received<SqlReceipt>): Partial<Delivery> {
    return describe(receipt);
  }

  caughtUp(): MaybePromise<boolean> {
    if (this.#returned.length > 0) return false;
    const left = this.#log.remains(this.#topic, undefined, this.#place.after);
    return left instanceof Promise ? left.then((some) => !some) : !left;
  }

  lag(): number | undefined {
    const head = this.#log.head(this.#topic);
    return head === undefined ? undefined : Math.max(0, head - this.#place.after);
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
  }

  #pull(): void {
    if (this.#scheduled || this.#wanted <= 0 || this.#closed) return;
    this.#scheduled = true;
    laterTurn(() => {
      this.#scheduled = false;
      this.#fetch();
    });
  }

  #fetch(): void {
    if (this.#reading || this.#wanted <= 0 || this.#closed) return;
    while (this.#wanted > 0 && this.#returned.length > 0) {
      const message = this.#returned.shift() as Received<SqlReceipt>;
      this.#wanted--;
      this.#intake.deliver(message.again(message.attempt));
    }
    if (this.#wanted <= 0) return;
    try {
      const rows = this.#log.read(this.#topic, this.#place.after, this.#wanted);
      if (!(rows instanceof Promise)) {
        this.#take(rows);
        return;
      }
      this.#reading = true;
      rows.then(
        (late) => {
          this.#reading = false;
          this.#take(late);
        },
        (error: unknown) => {
          this.#reading = false;
          this.#intake.fail(error);
        },
      );
    } catch (error) {
      this.#intake.fail(error);
    }
  }

  #take(rows: readonly StoredRow[]): void {
    if (this.#closed || rows.length === 0) return;
    this.#place.after = (rows.at(-1) as StoredRow)[0];
    this.#wanted -= rows.length;
    const onSteppedOver = (_receipt: SqlReceipt, error: unknown): void => {
      this.#wanted++;
      if (error === undefined) this.#pull();
      else this.#intake.fail(error);
    };
    for (const row of rows) takeRow(row, new SqlReceipt(row[1], row[0], row[2], undefined, 0), this.#intake, onSteppedOver);
    this.#pull();
  }
}
