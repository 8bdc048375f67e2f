import { compressionsAlgorithms, crc32c } from "@platformatic/kafka";
import type { RecordInit } from "../codec.ts";
import { readLongVarint, readVarint } from "./record.ts";

export type Compression = "none" | "gzip" | "snappy" | "lz4" | "zstd";

/** Who a batch is from: the broker tells repeats by it. */
export interface BatchIdentity {
  readonly producerId: bigint;
  readonly epoch: number;
}

export interface BatchSeal {
  readonly identity: BatchIdentity | undefined;
  readonly sequence: number;
  readonly compression: Compression;
  readonly transactional: boolean;
}

/** The bytes of a batch's own header, before the records. */
export const BATCH_HEADER_BYTES = 61;
const FIRST_BYTES = 2048;
const TRANSACTIONAL = 1 << 4;

/** Writes records one behind the other, as they will go over the wire. What is appended is a copy: nobody can change it any more. */
export class BatchBuilder {
  #data: Buffer;
  #end = BATCH_HEADER_BYTES;
  /** Where each record begins. */
  readonly #starts: number[] = [];
  #firstTime = 0;
  #lastTime = 0;

  /** `room`: memory that nobody uses any more. */
  constructor(room: Buffer = Buffer.allocUnsafe(FIRST_BYTES)) {
    this.#data = room;
  }

  /** Its memory, for another one, when this one is not needed any more. */
  get room(): Buffer {
    return this.#data;
  }

  get count(): number {
    return this.#starts.length;
  }

  /** Of the batch so far, uncompressed. */
  get bytes(): number {
    return this.#end;
  }

  append({ key, value, headers }: RecordInit, timeMs: number): void {
    if (this.count === 0) this.#firstTime = timeMs;
    this.#lastTime = Math.max(this.#lastTime, timeMs);
    const delta = timeMs - this.#firstTime;
    const place = this.count;
    const keyLength = key === undefined ? -1 : lengthOf(key);
    const valueLength = value === null ? -1 : value.length;
    let length = 1 + longVarintBytes(delta) + varintBytes(place) + sizedBytes(keyLength) + sizedBytes(valueLength) + varintBytes(headers.length);
    for (const [name, text] of headers) length += sizedBytes(lengthOf(name)) + sizedBytes(text === null ? -1 : lengthOf(text));
    this.#makeRoom(length + 5);
    this.#starts.push(this.#end);
    const data = this.#data;
    let at = writeVarint(data, this.#end, length);
    data[at++] = 0;
    at = writeLongVarint(data, at, delta);
    at = writeVarint(data, at, place);
    at = writeSized(data, at, key, keyLength);
    at = writeVarint(data, at, valueLength);
    if (value !== null) {
      data.set(value, at);
      at += valueLength;
    }
    at = writeVarint(data, at, headers.length);
    for (const [name, text] of headers) {
      at = writeSized(data, at, name, lengthOf(name));
      at = writeSized(data, at, text ?? undefined, text === null ? -1 : lengthOf(text));
    }
    this.#end = at;
  }

  /** The batch with its header. May be called again with another seal. */
  finish({ identity, sequence, compression, transactional }: BatchSeal): Buffer {
    const algorithm = compressionsAlgorithms[compression];
    let batch = this.#data.subarray(0, this.#end);
    if (compression !== "none") {
      const records = algorithm.compressSync(batch.subarray(BATCH_HEADER_BYTES));
      batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + records.length);
      records.copy(batch, BATCH_HEADER_BYTES);
    }
    batch.writeBigInt64BE(0n, 0);
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt32BE(-1, 12); // leader epoch: the broker sets it
    batch.writeInt8(2, 16);
    batch.writeInt16BE(algorithm.bitmask | (transactional ? TRANSACTIONAL : 0), 21);
    batch.writeInt32BE(this.count - 1, 23);
    batch.writeBigInt64BE(BigInt(this.#firstTime), 27);
    batch.writeBigInt64BE(BigInt(this.#lastTime), 35);
    batch.writeBigInt64BE(identity?.producerId ?? -1n, 43);
    batch.writeInt16BE(identity?.epoch ?? -1, 51);
    batch.writeInt32BE(identity === undefined ? -1 : sequence, 53);
    batch.writeInt32BE(this.count, 57);
    batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
    return batch;
  }

  /** Takes over a record of another batch. Its place is part of its bytes, all else stays as it is. */
  appendFrom(origin: BatchBuilder, from: number): void {
    const cursor = { at: origin.#starts[from] as number };
    const end = readVarint(origin.#data, cursor) + cursor.at;
    cursor.at++;
    const timeMs = origin.#firstTime + readLongVarint(origin.#data, cursor);
    readVarint(origin.#data, cursor);
    const rest = origin.#data.subarray(cursor.at, end);
    if (this.count === 0) this.#firstTime = timeMs;
    this.#lastTime = Math.max(this.#lastTime, timeMs);
    const delta = timeMs - this.#firstTime;
    const place = this.count;
    const length = 1 + longVarintBytes(delta) + varintBytes(place) + rest.length;
    this.#makeRoom(length + 5);
    this.#starts.push(this.#end);
    let at = writeVarint(this.#data, this.#end, length);
    this.#data[at++] = 0;
    at = writeLongVarint(this.#data, at, delta);
    at = writeVarint(this.#data, at, place);
    rest.copy(this.#data, at);
    this.#end = at + rest.length;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#data.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#data.length * 4));
    this.#data.copy(larger, 0, 0, this.#end);
    this.#data = larger;
  }
}

/** Most bytes that a record may take in a batch. */
export function recordBytes({ key, value, headers }: RecordInit): number {
  let bytes = 25 + (key === undefined ? 0 : lengthOf(key)) + (value?.length ?? 0);
  for (const [name, text] of headers) bytes += 10 + lengthOf(name) + (text === null ? 0 : lengthOf(text));
  return bytes;
}

function lengthOf(text: string | Uint8Array): number {
  return typeof text === "string" ? Buffer.byteLength(text) : text.length;
}

function sizedBytes(length: number): number {
  return varintBytes(length) + Math.max(0, length);
}

function varintBytes(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x20_0000 ? 3 : zigzag < 0x1000_0000 ? 4 : 5;
}

function longVarintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value < 0 ? -value * 2 - 1 : value * 2; rest >= 0x80; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function writeVarint(data: Buffer, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  let place = at;
  while (zigzag >= 0x80) {
    data[place++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  data[place++] = zigzag;
  return place;
}

function writeLongVarint(data: Buffer, at: number, value: number): number {
  let zigzag = value < 0 ? -value * 2 - 1 : value * 2;
  let place = at;
  while (zigzag >= 0x80) {
    data[place++] = (zigzag % 128) | 0x80;
    zigzag = Math.floor(zigzag / 128);
  }
  data[place++] = zigzag;
  return place;
}

function writeSized(data: Buffer, at: number, bytes: string | Uint8Array | undefined, length: number): number {
  const behind = writeVarint(data, at, length);
  if (bytes === undefined) return behind;
  if (typeof bytes === "string") data.write(bytes, behind, length, "utf8");
  else data.set(bytes, behind);
  return behind + length;
}
