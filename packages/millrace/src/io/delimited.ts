import { OptionCheck } from "../options/index.ts";
import { ByteQueue } from "./byte-queue.ts";
import type { FramedRecord, Framing, Splitter, SplitterRules } from "./framing.ts";

const CARRIAGE_RETURN = 0x0d;
/** Of a record that is too long, so much is kept to show. */
const SHOWN_BYTES = 4096;

export interface LinesOptions {
  /** Lines end in CR LF: written so, and a CR before the LF is taken off when reading. Default false: LF, and a CR belongs to its line. */
  readonly crlf?: boolean | undefined;
}

/**
 * One record a line, of any length. The last line of an input that has ended counts also without a line break.
 *
 * A record that holds a line break of its own cannot be written: use `lossless`, or `lengthPrefixed`.
 */
export function lines(options: LinesOptions = {}): Framing {
  new OptionCheck("lines").known(options, { crlf: true }).flag("crlf", options.crlf).done();
  return new Delimited(Buffer.from("\n"), options.crlf === true);
}

/** Records that end in `delimiter`, a text or bytes. Throws `OptionError` `BAD_OPTION` for an empty one. */
export function delimited(delimiter: string | Uint8Array): Framing {
  const ok = (typeof delimiter === "string" || delimiter instanceof Uint8Array) && delimiter.length > 0;
  new OptionCheck("delimited").that(ok, "delimiter must be a text or bytes, and not empty").done();
  return new Delimited(Buffer.from(delimiter as string), false);
}

class Delimited implements Framing {
  readonly #delimiter: Buffer;
  readonly #ending: Buffer;
  readonly #stripsCr: boolean;

  constructor(delimiter: Buffer, crlf: boolean) {
    this.#delimiter = delimiter;
    this.#ending = crlf ? Buffer.from("\r\n") : delimiter;
    this.#stripsCr = crlf;
  }

  frame(record: Uint8Array): Uint8Array {
    const framed = Buffer.concat([record, this.#ending]);
    // Also where the record's last bytes and the delimiter's first make one delimiter too early.
    if (framed.indexOf(this.#delimiter) !== framed.length - this.#delimiter.length) {
      throw new TypeError("the record holds the delimiter: it would be read back as several");
    }
    return framed;
  }

  splitter(rules: SplitterRules): Splitter {
    return new DelimitedSplitter(this.#delimiter, this.#stripsCr, rules);
  }
}

class DelimitedSplitter implements Splitter {
  readonly #delimiter: Uint8Array;
  readonly #stripsCr: boolean;
  readonly #max: number;
  readonly #bytes: ByteQueue;
  #searched = 0;
  /** The record at hand is too long: its beginning, until its end comes. */
  #tooLong: FramedRecord | undefined;

  constructor(delimiter: Uint8Array, stripsCr: boolean, { offset, maxRecordBytes }: SplitterRules) {
    this.#delimiter = delimiter;
    this.#stripsCr = stripsCr;
    this.#max = maxRecordBytes;
    this.#bytes = new ByteQueue(offset);
  }

  push(chunk: Uint8Array): void {
    this.#bytes.push(chunk);
  }

  next(): FramedRecord | undefined {
    const at = this.#bytes.indexOf(this.#delimiter, this.#searched);
    // A delimiter may lie across two chunks.
    this.#searched = Math.max(0, this.#bytes.length - this.#delimiter.length + 1);
    if (at === -1) {
      if (this.#searched > this.#max + (this.#stripsCr ? 1 : 0)) this.#tooLong ??= this.#tooLongRecord(this.#bytes.peek(SHOWN_BYTES), this.#bytes.offset);
      if (this.#tooLong !== undefined) {
        this.#bytes.skip(this.#searched);
        this.#searched = 0;
      }
      return undefined;
    }
    const start = this.#bytes.offset;
    const payload = this.#bytes.take(at);
    this.#bytes.skip(this.#delimiter.length);
    this.#searched = 0;
    return this.#finish(payload, start);
  }

  rest(): FramedRecord | undefined {
    if (this.#bytes.length === 0 && this.#tooLong === undefined) return undefined;
    const start = this.#bytes.offset;
    return this.#finish(this.#bytes.take(this.#bytes.length), start);
  }

  #finish(bytes: Uint8Array, start: number): FramedRecord {
    const tooLong = this.#tooLong;
    this.#tooLong = undefined;
    if (tooLong !== undefined) return tooLong;
    const cut = this.#stripsCr && bytes.at(-1) === CARRIAGE_RETURN;
    const payload = cut ? bytes.subarray(0, -1) : bytes;
    return payload.length > this.#max ? this.#tooLongRecord(payload.slice(0, SHOWN_BYTES), start) : { payload, start };
  }

  #tooLongRecord(payload: Uint8Array, start: number): FramedRecord {
    return { payload, start, problem: `the record is longer than ${this.#max} bytes` };
  }
}
