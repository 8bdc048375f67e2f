import type { PublishOutcome } from "millrace";
import type { PublishCall } from "millrace/adapter";
import type { RecordInit } from "./codec.ts";
import { BatchBuilder, type BatchIdentity, type BatchSeal, recordBytes } from "./wire/batch-builder.ts";

/** Neighbouring records of a batch that are neighbouring messages of one call. */
interface Run {
  readonly call: PublishCall<RecordInit>;
  readonly from: number;
  count: number;
}

/** Records of one partition that go in one piece. */
export class Batch {
  readonly builder: BatchBuilder;
  readonly runs: Run[] = [];
  /** Set when it was put on the wire for the first time: from then on it is repeated byte for byte. */
  bytes: Buffer | undefined = undefined;
  sequence = 0;
  identity: BatchIdentity | undefined = undefined;
  /** How often it was sent without a word about what became of it: above 0 it may be in the log. */
  doubts = 0;

  constructor(builder: BatchBuilder = new BatchBuilder()) {
    this.builder = builder;
  }

  append(init: RecordInit, timeMs: number, call: PublishCall<RecordInit>, index: number): void {
    this.builder.append(init, timeMs);
    this.#note(call, index);
  }

  /** Somebody still waits for it. */
  get wanted(): boolean {
    return this.runs.some(({ call }) => !call.ended);
  }

  /** From here on it may be in the log. */
  sent(): void {
    for (const { call, from, count } of this.runs) call.sent(from, count);
  }

  /** It is surely not in the log. */
  unsent(): void {
    for (const { call, from, count } of this.runs) call.unsent(from, count);
  }

  decide(outcome: PublishOutcome, error?: unknown): void {
    for (const { call, from, count } of this.runs) call.decide(from, count, outcome, error);
  }

  /** As two, where one is too large. */
  halves(): [Batch, Batch] {
    const middle = this.builder.count >> 1;
    return [this.#only((place) => place < middle), this.#only((place) => place >= middle)];
  }

  /** Without the messages of calls that have failed, which were rejected; the batch itself when there are none. */
  swept(): Batch {
    return this.runs.some(({ call }) => call.failed) ? this.#only((_place, call) => !call.failed) : this;
  }

  #only(keeps: (place: number, call: PublishCall<RecordInit>) => boolean): Batch {
    const part = new Batch();
    let place = 0;
    for (const { call, from, count } of this.runs) {
      for (let index = from; index < from + count; index++, place++) {
        if (!keeps(place, call)) continue;
        part.builder.appendFrom(this.builder, place);
        part.#note(call, index);
      }
    }
    return part;
  }

  #note(call: PublishCall<RecordInit>, index: number): void {
    const last = this.runs.at(-1);
    if (last?.call === call && last.from + last.count === index) last.count++;
    else this.runs.push({ call, from: index, count: 1 });
  }
}

const KEPT_BYTES = 64 * 1024;

/** What waits to be sent to one partition, in order. The first batch may be on its way. */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly batches: Batch[] = [];
  readonly #maxBytes: number;
  /** Memory of a batch that was written: the next one begins with it, and need not grow again. */
  #room: Buffer | undefined;
  /** Its first batch is on its way. */
  sending = false;
  /** After a failure, not before this time. */
  notBefore = 0;
  failures = 0;
  identity: BatchIdentity | undefined = undefined;
  sequence = 0;

  constructor(topic: string, partition: number, maxBytes: number) {
    this.topic = topic;
    this.partition = partition;
    this.#maxBytes = maxBytes;
  }

  append(init: RecordInit, timeMs: number, call: PublishCall<RecordInit>, index: number): void {
    let batch = this.batches.at(-1);
    if (batch === undefined || batch.bytes !== undefined || (batch.builder.count > 0 && batch.builder.bytes + recordBytes(init) > this.#maxBytes)) {
      batch = new Batch(new BatchBuilder(this.#room));
      this.#room = undefined;
      this.batches.push(batch);
    }
    batch.append(init, timeMs, call, index);
  }

  /** Nothing waits any more: a little memory is kept, no more. */
  rest(): void {
    if (this.#room !== undefined && this.#room.length > KEPT_BYTES) this.#room = undefined;
  }

  /** The first batch is in the log. */
  shiftWritten(): void {
    const batch = this.batches.shift();
    if (batch !== undefined) this.#room = batch.builder.room;
  }

  /** The first batch, ready for the wire. */
  seal(rules: Pick<BatchSeal, "compression" | "transactional">): Batch | undefined {
    if (this.batches[0]?.bytes === undefined) this.sweep();
    const batch = this.batches[0];
    if (batch === undefined || batch.bytes !== undefined) return batch;
    batch.identity = this.identity;
    batch.sequence = this.sequence;
    batch.bytes = batch.builder.finish({ identity: this.identity, sequence: this.sequence, ...rules });
    this.sequence = (this.sequence + batch.builder.count) % 2 ** 31;
    batch.sent();
    return batch;
  }

  /** The first batch did not enter the log: its numbers are free again. */
  unseal(batch: Batch): void {
    batch.bytes = undefined;
    batch.doubts = 0;
    if (batch.identity === this.identity) this.sequence = batch.sequence;
  }

  /** What comes next must not be taken for a repeat of what may or may not be in the log. */
  renewIdentity(): void {
    this.identity = undefined;
    this.sequence = 0;
  }

  /** Takes out what was not sent of calls that have failed; what may be in the log stays. */
  sweep(): void {
    for (let place = this.batches.length - 1; place >= 0; place--) {
      const batch = this.batches[place] as Batch;
      if (batch.bytes !== undefined) continue;
      const rest = batch.swept();
      if (rest.builder.count === 0) this.batches.splice(place, 1);
      else this.batches[place] = rest;
    }
  }
}
