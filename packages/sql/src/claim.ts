import type { PullEntry } from "millrace/adapter";
import type { StoredRow } from "./dialect.ts";
import type { ClaimPart, ClaimReport } from "./exchange.ts";
import { parseRanges, rangeText } from "./offset-ranges.ts";

/** One message of the log as it was given to us: what settles it. */
export class SqlReceipt implements PullEntry {
  lot: PullEntry["lot"] = undefined;
  readonly id: string;
  readonly offset: number;
  readonly createdAt: string;
  /** All of it, for as long as it is needed. */
  row: StoredRow | undefined;
  /** The attempts made before this process got it are remembered in the database. */
  kept: number;
  /** It failed before, and is not to be handed out again before this moment of the monotonic clock. */
  notBeforeMs = 0;
  claim: Claim | undefined;
  state: "held" | "settled" | "returned" = "held";

  constructor(row: StoredRow, claim: Claim | undefined, kept: number) {
    this.offset = row[0];
    this.id = row[1];
    this.createdAt = row[2];
    this.row = row;
    this.claim = claim;
    this.kept = kept;
  }
}

interface Run {
  readonly items: SqlReceipt[];
  readonly keep: boolean;
}

/**
 * A range of offsets that this member holds, and how far it is settled: what is settled at its head moves the group's position,
 * what is settled beyond is told as ranges, so that a crash repeats nothing that was flushed.
 */
export class Claim {
  id: number;
  epoch: number;
  readonly after: number;
  upto: number;
  #items: SqlReceipt[] = [];
  #head = 0;
  #settledBeyond = 0;
  #returned = 0;
  /** Counts what happened to it: up to where it was reported last, and up to where the database has taken that in. */
  #changes = 0;
  #reported = 0;
  #told = 0;

  constructor(id: number, epoch: number, after: number, upto: number, done = "") {
    this.id = id;
    this.epoch = epoch;
    this.after = after;
    this.upto = upto;
    for (const [from, to] of parseRanges(done)) this.#addSettled(from, to);
  }

  /** In ascending order of offsets, but for the ranges done by an earlier owner. */
  add(receipt: SqlReceipt): void {
    const items = this.#items;
    items.push(receipt);
    for (let at = items.length - 1; at > this.#head && (items[at - 1] as SqlReceipt).offset > receipt.offset; at--) {
      items[at] = items[at - 1] as SqlReceipt;
      items[at - 1] = receipt;
    }
    if (receipt.state === "settled") this.#settledBeyond++;
  }

  settle(receipt: SqlReceipt): void {
    if (receipt.state === "settled") return;
    if (receipt.state === "returned") this.#returned--;
    receipt.state = "settled";
    this.#settledBeyond++;
    this.#changes++;
    this.#moveHead();
  }

  giveBack(receipt: SqlReceipt): void {
    if (receipt.state !== "held") return;
    receipt.state = "returned";
    this.#returned++;
    this.#changes++;
  }

  /** Messages of it that are neither settled nor given back. */
  get held(): number {
    return this.unsettled - this.#returned;
  }

  /** The database knows all that has become of it. */
  get isTold(): boolean {
    return this.#told === this.#changes;
  }

  /** The database has taken in the last report. */
  confirm(): void {
    this.#told = this.#reported;
  }

  /** Everything in it is settled. */
  get isSettled(): boolean {
    return this.#head === this.#items.length;
  }

  /** Messages of it that are not settled. */
  get unsettled(): number {
    return this.#items.length - this.#head - this.#settledBeyond;
  }

  /** The first of those. */
  get oldest(): SqlReceipt | undefined {
    const items = this.#items;
    for (let at = this.#head; at < items.length; at++) if ((items[at] as SqlReceipt).state !== "settled") return items[at];
    return undefined;
  }

  /** `renew`: its lease is to be renewed. */
  report(renew: boolean = false): ClaimReport {
    this.#reported = this.#changes;
    const { id, epoch, after, upto } = this;
    const first = this.#items[this.#head];
    if (this.#returned === 0 && this.#settledBeyond === 0) {
      // The usual case, once for every batch: nothing settled out of order.
      const settledTo = first === undefined ? upto : Math.max(after, first.offset - 1);
      return { id, epoch, renew, parts: [{ after, upto, settledTo, done: "", keep: true }] };
    }
    const parts = this.#returned === 0 ? [this.#part({ items: this.#live(), keep: true }, this.after, this.upto)] : this.#cut();
    return { id, epoch, renew, parts };
  }

  /** After the database has cut it as reported: the parts that are kept, under their new ids. */
  split(parts: readonly ClaimPart[], ids: readonly number[]): readonly Claim[] {
    const kept = parts.filter(({ keep }) => keep);
    return kept.map((part, index) => {
      const claim = new Claim(ids[index] as number, 1, part.after, part.upto);
      claim.#changes = this.#changes - this.#reported; // what has happened since the report
      for (const receipt of this.#live()) {
        if (receipt.offset <= part.after || receipt.offset > part.upto) continue;
        receipt.claim = claim;
        claim.#items.push(receipt);
        if (receipt.state === "settled") claim.#settledBeyond++;
        if (receipt.state === "returned") claim.#returned++;
      }
      claim.#moveHead();
      return claim;
    });
  }

  #addSettled(from: number, to: number): void {
    // A range of an earlier owner, as two marks: what lies between is settled as well, and nobody asks for it.
    for (const offset of from === to ? [from] : [from, to]) {
      const receipt = new SqlReceipt([offset, "", "", null, null], this, 0);
      receipt.state = "settled";
      this.#items.push(receipt);
      this.#settledBeyond++;
    }
  }

  #live(): SqlReceipt[] {
    return this.#items.slice(this.#head);
  }

  #moveHead(): void {
    const items = this.#items;
    while (this.#head < items.length && (items[this.#head] as SqlReceipt).state === "settled") {
      this.#head++;
      this.#settledBeyond--;
    }
    if (this.#head < 1024 && this.#head < items.length) return;
    this.#items = items.slice(this.#head);
    this.#head = 0;
  }

  /** Neighbours that stay, and neighbours that go; what is settled goes with what is before it. */
  #cut(): ClaimPart[] {
    const runs: Run[] = [];
    for (const receipt of this.#live()) {
      const run = runs.at(-1);
      if (run === undefined || (receipt.state !== "settled" && run.keep !== (receipt.state === "held"))) {
        runs.push({ items: [receipt], keep: receipt.state === "held" });
      } else run.items.push(receipt);
    }
    let after = this.after;
    return runs.map((run, index) => {
      const upto = index === runs.length - 1 ? this.upto : (run.items.at(-1) as SqlReceipt).offset;
      const part = this.#part(run, after, upto);
      after = upto;
      return part;
    });
  }

  #part({ items, keep }: Run, after: number, upto: number): ClaimPart {
    const first = items.findIndex(({ state }) => state !== "settled");
    if (first === -1) return { after, upto, settledTo: upto, done: "", keep };
    const settledTo = Math.max(after, (items[first] as SqlReceipt).offset - 1);
    return { after, upto, settledTo, done: this.#settledBeyond === 0 ? "" : doneRanges(items, first), keep };
  }
}

function doneRanges(items: readonly SqlReceipt[], first: number): string {
  const ranges: string[] = [];
  let from: number | undefined;
  let to = 0;
  for (let index = first; index <= items.length; index++) {
    const receipt = items[index];
    if (receipt?.state === "settled") {
      from ??= receipt.offset;
      to = receipt.offset;
    } else if (from !== undefined) {
      ranges.push(rangeText(from, to));
      from = undefined;
    }
  }
  return ranges.join(",");
}
