import type { Received } from "../adapter/index.ts";
import { MillraceError } from "../errors/index.ts";
import type { ByteInput, InputEvent } from "./byte-input.ts";
import type { FramedRecord, Framing, Splitter } from "./framing.ts";

/** What is known of a delivered record. */
export interface RecordReceipt {
  /** Byte offset at which it begins. */
  readonly start: number;
  /** Place in the order of reading. */
  readonly number: number;
}

export interface CursorRules {
  readonly framing: Framing;
  readonly maxRecordBytes: number;
}

/**
 * How far the reading of one input has come: what was read and not cut up, what was delivered and came back. It outlives
 * subscriptions, so that the next one goes on where the last one stopped.
 */
export class RecordCursor {
  readonly input: ByteInput;
  readonly #rules: CursorRules;
  #splitter: Splitter | undefined;
  #returned: Received<RecordReceipt>[] = [];
  #unread: FramedRecord | undefined;
  #number = 0;
  #outstanding = 0;
  #ended = false;
  #failure: MillraceError | undefined;
  /** A subscription reads it. */
  busy = false;

  constructor(input: ByteInput, rules: CursorRules) {
    this.input = input;
    this.#rules = rules;
  }

  /** Everything was read, and every verdict was given. */
  get done(): boolean {
    return this.#ended && this.#outstanding === 0 && this.#returned.length === 0 && this.#unread === undefined;
  }

  /** Why nothing more can be read. */
  get failure(): MillraceError | undefined {
    return this.#failure;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get waiting(): number {
    return this.#returned.length;
  }

  /** The next record to look at, if there is one without reading on. */
  next(): FramedRecord | undefined {
    const unread = this.#unread;
    this.#unread = undefined;
    return unread ?? this.#split().next();
  }

  /** It could not be dealt with: the next look finds it again. */
  putBack(record: FramedRecord): void {
    this.#unread = record;
  }

  /** What came back comes first. */
  nextReturned(): Received<RecordReceipt> | undefined {
    const message = this.#returned.shift();
    if (message !== undefined) this.#outstanding++;
    return message;
  }

  receipt(start: number): RecordReceipt {
    this.#outstanding++;
    return { start, number: ++this.#number };
  }

  settled(): void {
    this.#outstanding--;
  }

  giveBack(messages: readonly Received<RecordReceipt>[]): void {
    this.#outstanding -= messages.length;
    this.#returned = [...messages, ...this.#returned].sort((one, other) => one.receipt.number - other.receipt.number);
  }

  /** Takes in what was read; answers with a last record that had no ending. */
  take(read: Uint8Array | InputEvent): FramedRecord | undefined {
    if (typeof read !== "string") {
      this.#split().push(read);
      return undefined;
    }
    // The rest of a file that was emptied is gone with its beginning; that of one moved away is whole.
    const rest = read === "truncated" ? undefined : this.#split().rest();
    if (read === "end") this.#ended = true;
    else this.#splitter = this.#rules.framing.splitter({ offset: 0, maxRecordBytes: this.#rules.maxRecordBytes });
    return rest;
  }

  fail(cause: unknown): void {
    this.#ended = true;
    this.#failure = new MillraceError("the input failed, nothing more can be read from it", { code: "INPUT_FAILED", cause });
  }

  #split(): Splitter {
    this.#splitter ??= this.#rules.framing.splitter({ offset: this.input.start, maxRecordBytes: this.#rules.maxRecordBytes });
    return this.#splitter;
  }
}
