import { type Intake, Received, type Session, type Source, TextMap, whileBusy } from "../adapter/index.ts";
import { nextTurn, sliceSpent } from "../internal/slice.ts";
import type { FramedRecord } from "./framing.ts";
import type { RecordCursor, RecordReceipt } from "./record-cursor.ts";
import type { RecordMarshaler } from "./record-marshaler.ts";

/** Before a dead letter that failed is published again. */
const DEAD_LETTER = { minDelayMs: 100, maxDelayMs: 5000 };

export interface RecordSourceRules {
  readonly topic: string;
  readonly marshaler: RecordMarshaler;
  /** A file can be read again after a failure; a stream is gone. */
  readonly reopens: boolean;
  /** Everything was read and settled. */
  readonly onDone: () => void;
}

/** Reads records off a cursor: bytes only while messages are wanted, the next record only when the adapter layer asks for it. */
export function recordSource(cursor: RecordCursor, rules: RecordSourceRules): Source<RecordReceipt> {
  return {
    async open(intake) {
      if (cursor.failure !== undefined && cursor.done) throw cursor.failure;
      await cursor.input.open();
      return new RecordSession(cursor, rules, intake);
    },
  };
}

class RecordSession implements Session<RecordReceipt> {
  readonly #cursor: RecordCursor;
  readonly #rules: RecordSourceRules;
  readonly #intake: Intake<RecordReceipt>;
  readonly #closed: AbortController = new AbortController();
  #wanted = 0;
  #pumping = false;
  #waiting = false;
  #told = false;

  constructor(cursor: RecordCursor, rules: RecordSourceRules, intake: Intake<RecordReceipt>) {
    this.#cursor = cursor;
    this.#rules = rules;
    this.#intake = intake;
  }

  want(count: number): void {
    this.#wanted = count;
    void this.#pump();
  }

  settle(): void {}

  acked(): void {
    this.#cursor.settled();
    this.#tellWhenDone();
  }

  giveBack(messages: readonly Received<RecordReceipt>[]): void {
    this.#cursor.giveBack(messages);
    void this.#pump();
  }

  describe({ receipt }: Received<RecordReceipt>): { readonly position: string } {
    return { position: String(receipt.start) };
  }

  caughtUp(): boolean {
    return this.#cursor.waiting === 0 && (this.#waiting || this.#cursor.ended);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#cursor.input.close();
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#wanted > 0 && !this.#closed.signal.aborted) {
        if (!(await this.#one())) break;
        if (sliceSpent()) await nextTurn();
      }
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#fail(error);
    }
    this.#pumping = false;
    this.#tellWhenDone();
  }

  /** Delivers a record, or reads on; false when there is nothing more. */
  async #one(): Promise<boolean> {
    const cursor = this.#cursor;
    const returned = cursor.nextReturned();
    if (returned !== undefined) {
      this.#deliver(returned);
      return true;
    }
    const record = cursor.next();
    if (record !== undefined) {
      await this.#record(record);
      return true;
    }
    if (cursor.ended) return false;
    this.#waiting = true;
    const read = await cursor.input.read();
    this.#waiting = false;
    if (this.#closed.signal.aborted) return false;
    cursor.input.taken();
    const last = cursor.take(read);
    if (last !== undefined) await this.#record(last);
    return true;
  }

  async #record(record: FramedRecord): Promise<void> {
    let received: Received<RecordReceipt> | undefined;
    try {
      received = this.#read(record);
    } catch (error) {
      await this.#stepOver(record, error);
      return;
    }
    if (received !== undefined) this.#deliver(received);
  }

  #read(record: FramedRecord): Received<RecordReceipt> | undefined {
    if (record.problem !== undefined) throw new TypeError(record.problem);
    const { topic, message } = this.#rules.marshaler.unmarshal(record.payload);
    if (topic !== undefined && topic !== this.#rules.topic) return undefined;
    const { key, payload, metadata } = message;
    const fetched = { source: message, key, payload, metadata: metadata.size === 0 ? undefined : new TextMap(metadata) };
    return new Received(fetched, this.#cursor.receipt(record.start));
  }

  #deliver(message: Received<RecordReceipt>): void {
    if (this.#closed.signal.aborted) {
      this.#cursor.giveBack([message]);
      return;
    }
    this.#wanted--;
    this.#intake.deliver(message);
  }

  /** With a dead letter, not before it is confirmed there. */
  async #stepOver(record: FramedRecord, error: unknown): Promise<void> {
    const { payload, start } = record;
    try {
      await whileBusy(() => this.#intake.undecodable({ position: String(start), payload, error }), {
        ...DEAD_LETTER,
        signal: this.#closed.signal,
        isBusy: () => true,
        onBusy: (failure) => this.#intake.blocked(`the dead letter for the record at ${start} could not be published: ${String(failure)}`),
      });
    } catch (closed) {
      this.#cursor.putBack(record);
      throw closed;
    }
    this.#intake.blocked(undefined);
  }

  #fail(error: unknown): void {
    if (this.#rules.reopens) {
      this.#intake.fail(error);
      return;
    }
    // What was delivered is still good: the subscription fails when that is settled.
    this.#cursor.fail(error);
    this.#intake.blocked("the input failed");
  }

  #tellWhenDone(): void {
    if (this.#told || this.#closed.signal.aborted || !this.#cursor.done) return;
    this.#told = true;
    const { failure } = this.#cursor;
    // In a turn of its own: the verdict that led here is still being dealt with.
    queueMicrotask(() => (failure === undefined ? this.#rules.onDone() : this.#intake.fail(failure)));
  }
}
