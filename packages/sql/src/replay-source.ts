import type { Delivery, From, MaybePromise } from "millrace";
import { type Intake, laterTurn, type Received, Ring, type Session, type Settlement, type Source } from "millrace/adapter";
import { SqlReceipt } from "./claim.ts";
import { describe, timeOf } from "./delivery.ts";
import type { Log, StoredRow } from "./dialect.ts";
import { Hindrance } from "./hindrance.ts";
import { takeRow } from "./take-row.ts";
import { type UndecodableRow, UndecodableRows } from "./undecodable-rows.ts";

/** A reading without a group: its position lives here, also from one session to the next, and nothing is ever written. */
export class ReplaySource implements Source<SqlReceipt> {
  readonly #log: Log;
  readonly #topic: string;
  readonly #from: From;
  #place: ReplayPlace | undefined;

  constructor(log: Log, topic: string, from: From) {
    this.#log = log;
    this.#topic = topic;
    this.#from = from;
  }

  open(intake: Intake<SqlReceipt>): MaybePromise<Session<SqlReceipt>> {
    const begin = (after: number): ReplaySession => {
      this.#place ??= { after: Math.max(0, after), fetchedTo: 0, fetched: new Ring(), unsettled: 0, undecodable: [], returned: [] };
      return new ReplaySession(this.#log, this.#topic, intake, this.#place);
    };
    const from = this.#place?.after ?? this.#log.locate(this.#topic, this.#from);
    return from instanceof Promise ? from.then(begin) : begin(from);
  }
}

/** How far a reading has come. */
interface ReplayPlace {
  /** The last offset that was fetched. */
  after: number;
  /** As far as there were messages: a place may lie beyond the end. */
  fetchedTo: number;
  /** What was fetched, from the first that is not settled on. */
  readonly fetched: Ring<SqlReceipt>;
  /** Of those, the ones that are not settled. */
  unsettled: number;
  /** What could not be decoded, and is not recorded yet. */
  undecodable: readonly UndecodableRow[];
  /** Given back: handed out again first. */
  returned: Received<SqlReceipt>[];
}

class ReplaySession implements Session<SqlReceipt> {
  readonly #log: Log;
  readonly #topic: string;
  readonly #intake: Intake<SqlReceipt>;
  readonly #place: ReplayPlace;
  readonly #undecodable: UndecodableRows;
  readonly #unwatch: () => void;
  #wanted = 0;
  #stopped = true;
  #scheduled = false;
  #reading = false;
  #closed = false;

  constructor(log: Log, topic: string, intake: Intake<SqlReceipt>, place: ReplayPlace) {
    this.#log = log;
    this.#topic = topic;
    this.#intake = intake;
    this.#place = place;
    this.#undecodable = new UndecodableRows(intake, new Hindrance(intake), {
      onPassed: () => {
        if (!this.#stopped) this.#wanted++;
        this.#pull();
      },
      onSteppedOver: (receipt) => this.#settled(receipt),
    });
    for (const row of place.undecodable) this.#undecodable.put(row);
    this.#unwatch = log.watch({ topic, group: undefined, onChange: () => this.#pull(), onTrouble: (error) => intake.fail(error) });
  }

  want(count: number): void {
    this.#wanted = count;
    this.#stopped = count === 0;
    this.#pull();
  }

  settle(verdicts: readonly Settlement<SqlReceipt>[]): void {
    for (const { message } of verdicts) this.#settled(message.receipt);
  }

  giveBack(messages: readonly Received<SqlReceipt>[]): void {
    this.#place.returned.push(...messages);
    this.#place.returned.sort((a, b) => a.receipt.offset - b.receipt.offset);
  }

  describe({ receipt }: Received<SqlReceipt>): Partial<Delivery> {
    return describe(receipt);
  }

  caughtUp(): MaybePromise<boolean> {
    if (this.#place.returned.length > 0) return false;
    const left = this.#log.remains(this.#topic, undefined, this.#place.after);
    return left instanceof Promise ? left.then((some) => !some) : !left;
  }

  lag(): number | undefined {
    const head = this.#log.head(this.#topic);
    return head === undefined ? undefined : Math.max(0, head - this.#place.after) + this.#place.unsettled;
  }

  oldestAt(): Date | undefined {
    const oldest = this.#place.fetched.peek();
    return oldest === undefined ? undefined : timeOf(oldest.createdAt);
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
    this.#place.undecodable = this.#undecodable.close();
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
    while (this.#wanted > 0 && this.#place.returned.length > 0) {
      const message = this.#place.returned.shift() as Received<SqlReceipt>;
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
    if (this.#closed) return;
    if (rows.length === 0) {
      this.#beginAnew();
      return;
    }
    this.#place.after = (rows.at(-1) as StoredRow)[0];
    this.#place.fetchedTo = this.#place.after;
    this.#wanted -= rows.length;
    const receipts = rows.map((row) => new SqlReceipt(row[1], row[0], row[2], undefined, 0));
    for (const receipt of receipts) this.#place.fetched.push(receipt);
    this.#place.unsettled += receipts.length;
    for (let index = 0; index < rows.length; index++) takeRow(rows[index] as StoredRow, receipts[index] as SqlReceipt, this.#intake, this.#undecodable);
    this.#pull();
  }

  /** The log ends before what was read of it already: its numbers have begun anew. */
  #beginAnew(): void {
    const head = this.#log.head(this.#topic);
    if (head === undefined || head === 0 || head >= this.#place.fetchedTo) return;
    this.#place.after = 0;
    this.#place.fetchedTo = 0;
    this.#pull();
  }

  #settled(receipt: SqlReceipt): void {
    if (receipt.state === "settled") return;
    receipt.state = "settled";
    const { fetched } = this.#place;
    this.#place.unsettled--;
    while (fetched.peek()?.state === "settled") fetched.shift();
  }
}
