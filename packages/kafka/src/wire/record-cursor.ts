import { compressionsAlgorithmsByBitmask } from "@platformatic/kafka";
import { MillraceError } from "millrace";
import type { AbortedTransaction } from "./fetch-api.ts";
import { KafkaRecord, type RecordPlace, readLongVarint, readVarint, type VarintCursor } from "./record.ts";

export const HEADER_BYTES = 61;
/** A batch's length counts what stands behind it. */
export const BEFORE_LENGTH = 12;
const COMPRESSED = 0b111;
const APPEND_TIME = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

/** A batch, or what is left of it, that cannot be read at all. The cursor goes on behind it. */
export class BrokenBatch {
  readonly offset: number;
  /** Of its first record; `undefined` where that is not known either. */
  readonly timestamp: number | undefined;
  readonly bytes: Buffer;
  readonly error: unknown;
  /** Nothing more is to be done with it. */
  settled = false;

  constructor(offset: number, timestamp: number | undefined, bytes: Buffer, error: unknown) {
    this.offset = offset;
    this.timestamp = timestamp;
    this.bytes = bytes;
    this.error = error;
  }
}

/**
 * Walks through the records of one fetch, one at a time: nothing is decoded before it is wanted. Steps over what was aborted,
 * over markers of transactions, and over what lies before the offset that was asked for.
 */
export class RecordCursor<Place extends RecordPlace> {
  readonly #place: Place;
  readonly #data: Buffer;
  readonly #from: number;
  readonly #aborted: AbortedTransaction[];
  readonly #abortedNow: Set<bigint> = new Set();
  #batchAt = 0;
  #records: Buffer = EMPTY;
  readonly #cursor: VarintCursor = { at: 0 };
  #left = 0;
  #baseOffset = 0;
  #baseTime = 0;
  #appendTime: number | undefined;
  /** Taken already by `peek`. */
  #peeked: KafkaRecord<Place> | undefined;
  /** The offset behind everything that was passed. */
  next: number;
  /** The offset behind the batch of the moment. */
  #behind = 0;
  #broken: BrokenBatch | undefined;

  constructor(place: Place, data: Buffer, from: number, aborted: readonly AbortedTransaction[]) {
    this.#place = place;
    this.#data = data;
    this.#from = from;
    this.next = from;
    this.#aborted = [...aborted].sort((one, other) => one.firstOffset - other.firstOffset);
  }

  /** Bytes of the fetch that were not passed yet. */
  get bytes(): number {
    return this.#left > 0 ? this.#data.length - this.#batchAt + this.#records.length - this.#cursor.at : this.#data.length - this.#batchAt;
  }

  /** The record that `take` gives next. */
  peek(): KafkaRecord<Place> | undefined {
    this.#peeked ??= this.take();
    return this.#peeked;
  }

  /** What could not be read, where `take` ended at it: then it goes on behind. */
  takeBroken(): BrokenBatch | undefined {
    const broken = this.#broken;
    this.#broken = undefined;
    return broken;
  }

  /** The next record, or `undefined` at the end of the fetch or at a broken batch. */
  take(): KafkaRecord<Place> | undefined {
    const peeked = this.#peeked;
    if (peeked !== undefined) {
      this.#peeked = undefined;
      return peeked;
    }
    if (this.#broken !== undefined) return undefined;
    for (;;) {
      while (this.#left > 0) {
        const record = this.#read();
        if (record !== undefined && record.offset >= this.#from) return record;
        if (this.#broken !== undefined) return undefined;
      }
      if (!this.#openBatch() || this.#broken !== undefined) return undefined;
    }
  }

  #read(): KafkaRecord<Place> | undefined {
    const data = this.#records;
    const cursor = this.#cursor;
    try {
      const length = readVarint(data, cursor);
      const end = cursor.at + length;
      if (length < 6 || end > data.length) throw new RangeError("a record is longer than its batch");
      cursor.at++; // attributes: none are in use
      const timestamp = this.#baseTime + readLongVarint(data, cursor);
      const offset = this.#baseOffset + readVarint(data, cursor);
      if (offset < this.#baseOffset || offset >= this.#behind) throw new RangeError("a record's offset is not of its batch");
      const keyLength = readVarint(data, cursor);
      const keyAt = cursor.at;
      stepOver(cursor, keyLength, end);
      const valueLength = readVarint(data, cursor);
      const valueAt = cursor.at;
      stepOver(cursor, valueLength, end);
      const headersAt = cursor.at;
      checkHeaders(data, cursor, end);
      this.#left--;
      this.next = offset + 1;
      return new KafkaRecord(this.#place, offset, this.#appendTime ?? timestamp, data, keyAt, keyLength, valueAt, valueLength, headersAt);
    } catch (error) {
      this.#left = 0;
      this.#break(this.next, this.#baseTime, data, error);
      this.next = Math.max(this.next, this.#behind);
      return undefined;
    }
  }

  /** Enters the next batch; false when the fetch ends (the last batch of a fetch may be cut short). */
  #openBatch(): boolean {
    const data = this.#data;
    const at = this.#batchAt;
    if (data.length - at < HEADER_BYTES) return false;
    const length = data.readInt32BE(at + 8);
    const end = at + BEFORE_LENGTH + length;
    if (end > data.length) return false;
    this.#baseOffset = Number(data.readBigInt64BE(at));
    if (end < at + HEADER_BYTES) {
      this.#batchAt = data.length; // nobody knows where the next one begins
      this.next = Math.max(this.next, this.#baseOffset + 1);
      this.#break(this.#baseOffset, undefined, data.subarray(at), undecodable(`a batch says it has ${length} bytes, which is less than its header`));
      return true;
    }
    this.#batchAt = end;
    const magic = data[at + 16];
    if (magic !== 2) {
      const error = undecodable(`record format ${magic} is older than Kafka 0.11`);
      this.next = Math.max(this.next, this.#baseOffset + 1);
      this.#break(this.#baseOffset, undefined, data.subarray(at, end), error);
      return true;
    }
    const attributes = data.readInt16BE(at + 21);
    const behind = offsetBehind(data, at);
    this.#behind = behind;
    const producerId = data.readBigInt64BE(at + 43);
    this.#baseTime = Number(data.readBigInt64BE(at + 27));
    this.#appendTime = (attributes & APPEND_TIME) !== 0 ? Number(data.readBigInt64BE(at + 35)) : undefined;
    try {
      if (this.#isSkipped(attributes, producerId, behind, data.subarray(at + HEADER_BYTES, end)) || behind <= this.#from) {
        this.next = Math.max(this.next, behind);
        return true;
      }
      this.#records = decompressed(attributes & COMPRESSED, data.subarray(at + HEADER_BYTES, end));
      this.#cursor.at = 0;
      this.#left = data.readInt32BE(at + 57);
      if (this.#left <= 0) this.next = Math.max(this.next, behind);
    } catch (error) {
      this.next = Math.max(this.next, behind);
      this.#break(this.#baseOffset, this.#baseTime, data.subarray(at, end), error);
    }
    return true;
  }

  /** Markers say where a transaction ended; what an aborted one wrote is no message. */
  #isSkipped(attributes: number, producerId: bigint, behind: number, records: Buffer): boolean {
    while (this.#aborted[0] !== undefined && this.#aborted[0].firstOffset < behind)
      this.#abortedNow.add((this.#aborted.shift() as AbortedTransaction).producerId);
    if ((attributes & CONTROL) !== 0) {
      if (isAbortMarker(records)) this.#abortedNow.delete(producerId);
      return true;
    }
    return (attributes & TRANSACTIONAL) !== 0 && this.#abortedNow.has(producerId);
  }

  #break(offset: number, timestamp: number | undefined, bytes: Buffer, error: unknown): void {
    this.#broken = new BrokenBatch(Math.max(offset, this.#from), timestamp, bytes, error);
  }
}

const EMPTY = Buffer.alloc(0);

/** The offset behind the batch that begins there. One that says it ends before it begins has a record all the same. */
export function offsetBehind(data: Buffer, at: number): number {
  return Number(data.readBigInt64BE(at)) + Math.max(0, data.readInt32BE(at + 23)) + 1;
}

/** Behind a field of so many bytes; -1 is null. */
function stepOver(cursor: VarintCursor, length: number, end: number): void {
  if (length < -1) throw new RangeError("a record's field has a negative length");
  if (length > 0) cursor.at += length;
  if (cursor.at >= end) throw new RangeError("a record's fields are longer than the record");
}

/** Headers are read when somebody asks for them: by then they must be right. */
function checkHeaders(data: Buffer, cursor: VarintCursor, end: number): void {
  const count = readVarint(data, cursor);
  if (count < 0 || count * LEAST_HEADER_BYTES > end - cursor.at) throw new RangeError("a record has more headers than bytes");
  for (let left = count; left > 0; left--) {
    const nameLength = readVarint(data, cursor);
    if (nameLength < 0) throw new RangeError("a header's name has a negative length");
    stepOver(cursor, nameLength, end);
    const valueLength = readVarint(data, cursor);
    if (valueLength < -1) throw new RangeError("a header's value has a negative length");
    if (valueLength > 0) cursor.at += valueLength;
  }
  if (cursor.at !== end) throw new RangeError("a record's headers do not end where the record does");
}

/** Its name's length, and its value's. */
const LEAST_HEADER_BYTES = 2;

function undecodable(text: string): MillraceError {
  return new MillraceError(text, { code: "UNDECODABLE" });
}

/** A marker's key is its version and its kind: 0 is abort. */
function isAbortMarker(records: Buffer): boolean {
  const cursor: VarintCursor = { at: 0 };
  readVarint(records, cursor);
  cursor.at++;
  readLongVarint(records, cursor);
  readVarint(records, cursor);
  // A key that ends too early is a marker of some other kind.
  return records.length >= cursor.at + 5 && readVarint(records, cursor) >= 4 && records.readInt16BE(cursor.at + 2) === 0;
}

function decompressed(codec: number, bytes: Buffer): Buffer {
  if (codec === 0) return bytes;
  const algorithm = compressionsAlgorithmsByBitmask[codec];
  if (algorithm === undefined) throw undecodable(`compression ${codec} is not known`);
  return algorithm.decompressSync(bytes);
}
