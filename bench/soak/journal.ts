import { closeSync, openSync, readSync, writeSync } from "node:fs";

/** Kind (1 byte), unused (1), member (2), `a` (4), `b` (4). */
const BYTES = 12;
const CHUNK = 65_536 * BYTES;
const MOST_AT_ONCE = 64;

/**
 * One file that all processes of a soak append to. An entry is in the file, at its place among those of the others, when the call
 * returns: a SIGKILL in the next moment takes nothing back.
 */
export class JournalWriter {
  readonly #file: number;
  readonly #member: number;
  readonly #bytes: Buffer = Buffer.alloc(BYTES * MOST_AT_ONCE);
  #length = 0;

  constructor(path: string, member: number) {
    this.#file = openSync(path, "a");
    this.#member = member;
  }

  /** Is written together with the next entry. */
  add(kind: number, a = 0, b = 0): void {
    if (this.#length === this.#bytes.length) this.#flush();
    const bytes = this.#bytes;
    const at = this.#length;
    bytes[at] = kind;
    bytes.writeUInt16LE(this.#member, at + 2);
    bytes.writeUInt32LE(a, at + 4);
    bytes.writeUInt32LE(b, at + 8);
    this.#length = at + BYTES;
  }

  write(kind: number, a = 0, b = 0): void {
    this.add(kind, a, b);
    this.#flush();
  }

  close(): void {
    closeSync(this.#file);
  }

  #flush(): void {
    const length = this.#length;
    this.#length = 0;
    // All at once, or the entries of others would come between the parts of one.
    if (writeSync(this.#file, this.#bytes, 0, length) !== length) throw new Error("the journal could not be written: is the disk full?");
  }
}

export interface JournalTaker {
  take(kind: number, member: number, a: number, b: number): void;
}

/** Reads what has been appended since the last time. */
export class JournalReader {
  readonly #file: number;
  readonly #chunk: Buffer = Buffer.alloc(CHUNK);
  #position = 0;

  constructor(path: string) {
    this.#file = openSync(path, "a+");
  }

  /** True when there may be more. */
  read(taker: JournalTaker): boolean {
    const chunk = this.#chunk;
    const length = readSync(this.#file, chunk, 0, CHUNK, this.#position);
    const whole = length - (length % BYTES);
    for (let at = 0; at < whole; at += BYTES) {
      taker.take(chunk[at] as number, chunk.readUInt16LE(at + 2), chunk.readUInt32LE(at + 4), chunk.readUInt32LE(at + 8));
    }
    this.#position += whole;
    return length === CHUNK;
  }

  close(): void {
    closeSync(this.#file);
  }
}
