import { PublishError, type PublishOutcome } from "../errors/index.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { Ring } from "../internal/ring.ts";
import { nextTurn } from "../internal/slice.ts";
import type { ByteOutput } from "./byte-output.ts";

/** One publish call on its way out. */
export interface WriteEntry {
  /** Resolves when all is written, rejects with a `PublishError` otherwise. */
  readonly done: Promise<void>;
  /** Ends the wait. What is not being written yet never will be. */
  giveUp(code: string, text: string, cause: unknown): void;
}

/** Writes the records of publish calls one after the other, those of calls that wait together in one go. */
export class WriteQueue {
  readonly #output: ByteOutput;
  readonly #maxWaiting: number;
  readonly #entries: Ring<Entry> = new Ring();
  readonly #open: Set<Entry> = new Set();
  #waiting = 0;
  #writing = false;

  constructor(output: ByteOutput, maxWaiting: number) {
    this.#output = output;
    this.#maxWaiting = maxWaiting;
  }

  /** Throws `PublishError` `BUFFER_FULL` when too much waits. */
  add(records: readonly Uint8Array[]): WriteEntry {
    if (this.#waiting > 0 && this.#waiting + records.length > this.#maxWaiting) {
      const outcomes = records.map((): PublishOutcome => "rejected");
      throw new PublishError(`${this.#waiting} records wait to be written, and the bound is ${this.#maxWaiting}`, {
        code: "BUFFER_FULL",
        retryable: true,
        outcomes,
      });
    }
    const entry = new Entry(records, (one) => this.#open.delete(one));
    this.#entries.push(entry);
    this.#open.add(entry);
    this.#waiting += records.length;
    if (!this.#writing) void this.#write();
    return entry;
  }

  /** Resolves when every call has ended; false when a write is stuck all the same. */
  async idle(): Promise<boolean> {
    await Promise.allSettled([...this.#open].map(({ done }) => done));
    await nextTurn();
    return !this.#writing;
  }

  async #write(): Promise<void> {
    this.#writing = true;
    // Calls made in the same turn go out together.
    await undefined;
    for (let parts = this.#nextParts(); parts.length > 0; parts = this.#nextParts()) {
      const { confirmed, unknown, error } = await this.#output.write(parts.map(({ record }) => record));
      for (const [place, { entry, index }] of parts.entries()) {
        entry.written(index, place < confirmed ? "confirmed" : place < confirmed + unknown ? "unknown" : "rejected", error);
      }
    }
    // In the same turn as the last look: a call made later begins anew.
    this.#writing = false;
  }

  #nextParts(): readonly Part[] {
    const parts: Part[] = [];
    let bytes = 0;
    for (let entry = this.#entries.peek(); entry !== undefined && bytes < this.#output.batchBytes; entry = this.#entries.peek()) {
      const index = entry.begin();
      if (index === undefined) {
        this.#entries.shift();
        this.#waiting -= entry.records.length;
        continue;
      }
      const record = entry.records[index] as Uint8Array;
      bytes += record.length;
      parts.push({ entry, index, record });
    }
    return parts;
  }
}

interface Part {
  readonly entry: Entry;
  readonly index: number;
  readonly record: Uint8Array;
}

class Entry implements WriteEntry {
  readonly records: readonly Uint8Array[];
  readonly #outcomes: PublishOutcome[];
  readonly #result: Deferred<void> = deferred();
  readonly #onEnd: (entry: Entry) => void;
  #begun = 0;
  #left: number;
  #ended = false;
  #stopped = false;

  constructor(records: readonly Uint8Array[], onEnd: (entry: Entry) => void) {
    this.records = records;
    this.#onEnd = onEnd;
    this.#outcomes = records.map(() => "rejected");
    this.#left = records.length;
  }

  get done(): Promise<void> {
    return this.#result.promise;
  }

  /** The next record to write, if one is to be written. */
  begin(): number | undefined {
    if (this.#stopped || this.#begun === this.records.length) return undefined;
    this.#outcomes[this.#begun] = "unknown";
    return this.#begun++;
  }

  written(index: number, outcome: PublishOutcome, error: unknown): void {
    this.#outcomes[index] = outcome;
    this.#left--;
    if (outcome !== "confirmed") {
      this.#stopped = true;
      // Those of this call that were part of the same write have their outcome first.
      if (this.#left === 0 || index === this.#begun - 1) this.#end("WRITE_FAILED", "the records could not be written", error);
    } else if (this.#left === 0) {
      this.#ended = true;
      this.#result.resolve();
      this.#onEnd(this);
    }
  }

  giveUp(code: string, text: string, cause: unknown): void {
    this.#stopped = true;
    this.#end(code, text, cause);
  }

  #end(code: string, text: string, cause: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#result.reject(new PublishError(text, { code, retryable: true, cause, outcomes: this.#outcomes }));
    this.#onEnd(this);
  }
}
