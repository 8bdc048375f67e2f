import { type Received, Ring } from "millrace/adapter";
import type { OffsetRange } from "./settled-ranges.ts";
import type { TransactionalGroup } from "./transactional-group.ts";
import type { AbortedTransaction } from "./wire/fetch-api.ts";
import type { KafkaRecord } from "./wire/record.ts";
import { BEFORE_LENGTH, BrokenBatch, HEADER_BYTES, offsetBehind, RecordCursor } from "./wire/record-cursor.ts";

export type PartitionRecord = KafkaRecord<PartitionReader>;

/** What is delivered: a record, or in its place what cannot be read at all. */
export type Taken = PartitionRecord | BrokenBatch;

/** From this offset on records were written under this leader. */
interface EpochStart {
  readonly from: number;
  readonly epoch: number;
}

/**
 * One partition as this subscription reads it: where to fetch next, what was fetched and not delivered, what was delivered and
 * is not settled. The settled prefix moves over the records in their order, whatever order they are settled in.
 */
export class PartitionReader {
  readonly topic: string;
  readonly index: number;
  /** Whose position moves when records of it are settled. */
  readonly group: TransactionalGroup | undefined;
  /** The next offset to fetch. */
  position: number;
  /** The end of the log when last heard of. */
  end: number | undefined = undefined;
  /** It belongs to another now: nothing of it counts any more. */
  dead = false;
  /** Set while it is about to be given up, by whoever does that: nothing new of it is delivered. */
  givenUpBy: object | undefined = undefined;
  /** When records of it came last, as a number that grows: others come first in the next fetch. */
  served = 0;
  /** A fetch for it is on its way. */
  fetching = false;
  /** Delivered, and neither settled nor taken back. */
  out = 0;
  /** What the group has on record: offset and note. */
  committed = -1;
  committedNote = "";
  /** While a transaction decides what the group has on record: resolves when it has. */
  deciding: Promise<void> | undefined = undefined;
  readonly #cursors: RecordCursor<PartitionReader>[] = [];
  readonly #window: Ring<Taken> = new Ring();
  readonly #returned: Received<PartitionRecord>[] = [];
  /** What could not be read, nor put elsewhere: to be tried again. */
  readonly #unread: Taken[] = [];
  readonly #epochs: EpochStart[] = [];
  #skipped: readonly OffsetRange[];
  /** Settled records in the window, behind one that is not. */
  #ahead = 0;
  /** The offset behind the last record that was delivered or stepped over. */
  #passed: number;

  /** `epoch`: of the leader that wrote the record before `position`, where that is known. */
  constructor(topic: string, index: number, position: number, settledBeyond: readonly OffsetRange[] = [], group?: TransactionalGroup, epoch: number = -1) {
    this.topic = topic;
    this.index = index;
    this.group = group;
    this.position = position;
    this.#passed = position;
    this.#skipped = settledBeyond;
    if (epoch >= 0) this.#epochs.push({ from: position - 1, epoch });
  }

  get leaving(): boolean {
    return this.givenUpBy !== undefined;
  }

  /** The leader epoch of the record before `offset`, −1 where it is not known. */
  epochBefore(offset: number): number {
    return this.#epochs.findLast(({ from }) => from < offset)?.epoch ?? -1;
  }

  /** Bytes that were fetched and not delivered. */
  get buffered(): number {
    let bytes = 0;
    for (const cursor of this.#cursors) bytes += cursor.bytes;
    return bytes;
  }

  get hasMore(): boolean {
    return this.#cursors.length > 0 || this.#returned.length > 0 || this.#unread.length > 0;
  }

  /** Offsets below are settled, all of them. */
  get settledTo(): number {
    return this.#window.peek()?.offset ?? this.#passed;
  }

  /** How far reading is ahead of the first unsettled record. */
  get gap(): number {
    return this.#passed - this.settledTo;
  }

  /** Messages that are not settled; offsets that were not read yet count as messages. `undefined` until the end of the log is known. */
  get lag(): number | undefined {
    if (this.end === undefined) return undefined;
    let unread = this.end - this.#passed;
    for (const { begin, end } of this.#skipped) if (end > this.#passed) unread -= end - Math.max(begin, this.#passed);
    return this.#window.size - this.#ahead + Math.max(0, unread);
  }

  /** When the first of them was published, in milliseconds since the epoch; `undefined` where it was not fetched yet. */
  get oldestAt(): number | undefined {
    const first = this.#window.peek();
    if (first !== undefined) return first.timestamp;
    const next = this.#cursors[0]?.peek();
    return next === undefined || this.#isSkipped(next.offset) ? undefined : next.timestamp;
  }

  /** What is settled beyond the prefix. */
  settledBeyond(): readonly OffsetRange[] {
    if (this.#ahead === 0 && this.#skipped.length === 0) return NONE;
    return this.preview(() => false).ranges;
  }

  /** The prefix, and what is settled beyond it, if those that `also` names were settled too. */
  preview(also: (record: PartitionRecord) => boolean): { readonly settledTo: number; readonly ranges: readonly OffsetRange[] } {
    const ranges: OffsetRange[] = [];
    let settledTo: number | undefined;
    let begin = -1;
    let end = -1;
    for (const record of this.#window) {
      if (record.settled || (!(record instanceof BrokenBatch) && also(record))) {
        if (settledTo === undefined) continue;
        if (begin < 0) begin = record.offset;
        end = record.offset + 1;
        continue;
      }
      settledTo ??= record.offset;
      if (begin >= 0) ranges.push({ begin, end });
      begin = -1;
    }
    if (begin >= 0) ranges.push({ begin, end });
    // What was settled before we came, as far as it is still to be read.
    for (const range of this.#skipped) if (range.end > this.#passed) ranges.push({ begin: Math.max(range.begin, this.#passed), end: range.end });
    return { settledTo: settledTo ?? this.#passed, ranges };
  }

  addFetched(data: Buffer, aborted: readonly AbortedTransaction[]): void {
    const cursor = new RecordCursor<PartitionReader>(this, data, this.position, aborted);
    this.#cursors.push(cursor);
    this.position = Math.max(this.position, this.#walk(data));
  }

  /** Notes who wrote the batches; the offset behind the last complete one. */
  #walk(data: Buffer): number {
    const epochs = this.#epochs;
    const { settledTo } = this;
    while (epochs[1] !== undefined && epochs[1].from < settledTo) epochs.shift();
    let end = 0;
    for (let at = 0; at + HEADER_BYTES <= data.length; ) {
      const next = at + BEFORE_LENGTH + data.readInt32BE(at + 8);
      if (next > data.length) break;
      const begin = Number(data.readBigInt64BE(at));
      if (next < at + HEADER_BYTES) return begin + 1; // the cursor tells of it
      const epoch = data.readInt32BE(at + 12);
      if (epochs.at(-1)?.epoch !== epoch) epochs.push({ from: begin, epoch });
      end = offsetBehind(data, at);
      at = next;
    }
    return end;
  }

  /** What was given back goes out again before anything else. */
  takeReturned(): Received<PartitionRecord> | undefined {
    return this.#returned.shift();
  }

  /** The next record, or what cannot be read, or `undefined`: nothing more is here. The window holds it until it is settled. */
  take(): Taken | undefined {
    if (this.#unread.length > 0) {
      this.out++;
      return this.#unread.shift();
    }
    for (let cursor = this.#cursors[0]; cursor !== undefined; cursor = this.#cursors[0]) {
      const next = cursor.take() ?? cursor.takeBroken();
      if (next === undefined) {
        this.#passed = Math.max(this.#passed, cursor.next);
        this.#cursors.shift();
        continue;
      }
      this.#passed = Math.max(this.#passed, cursor.next, next.offset + 1);
      this.#window.push(next);
      if (!this.#isSkipped(next.offset)) {
        this.out++;
        return next;
      }
      this.#markSettled(next);
    }
    return undefined;
  }

  /** It could not be put elsewhere: it is to be tried again. */
  untake(unread: Taken): void {
    this.out--;
    this.#unread.push(unread);
    this.#unread.sort((one, other) => one.offset - other.offset);
  }

  settle(record: Taken): void {
    if (record.settled) return;
    this.out--;
    this.#markSettled(record);
  }

  giveBack(messages: readonly Received<PartitionRecord>[]): void {
    this.out -= messages.length;
    this.#returned.push(...messages);
    this.#returned.sort((one, other) => one.receipt.offset - other.receipt.offset);
  }

  /** Begins anew at `position`. */
  restart(position: number): void {
    this.#cursors.length = 0;
    this.position = position;
    this.#passed = Math.max(this.#passed, position);
  }

  /** A reader of the same log, which was cut off at `end`: other records come there now, whatever was settled. */
  cutOff(end: number): PartitionReader {
    const { settledTo, ranges } = this.preview(() => false);
    const position = Math.min(settledTo, end);
    const kept = ranges.flatMap((range) => (range.begin < end ? [{ begin: range.begin, end: Math.min(range.end, end) }] : []));
    return new PartitionReader(this.topic, this.index, position, kept, this.group, this.epochBefore(position));
  }

  #markSettled(record: Taken): void {
    record.settled = true;
    this.#ahead++;
    for (let first = this.#window.peek(); first?.settled === true; first = this.#window.peek()) {
      this.#window.shift();
      this.#ahead--;
    }
  }

  #isSkipped(offset: number): boolean {
    while (this.#skipped[0] !== undefined && this.#skipped[0].end <= offset) this.#skipped = this.#skipped.slice(1);
    return this.#skipped[0] !== undefined && this.#skipped[0].begin <= offset;
  }
}

const NONE: readonly OffsetRange[] = Object.freeze([]);
