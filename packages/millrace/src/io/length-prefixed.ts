import { OptionCheck } from "../options/index.ts";
import { ByteQueue } from "./byte-queue.ts";
import type { FramedRecord, Framing, Splitter, SplitterRules } from "./framing.ts";

export interface LengthPrefixedOptions {
  /** Bytes of the length: 1, 2 or 4. Default 4. */
  readonly bytes?: 1 | 2 | 4 | undefined;
  /** Default false: the most significant byte comes first. */
  readonly littleEndian?: boolean | undefined;
}

/** Records behind their length, so that they may hold any bytes. A record that is cut off at the end of the input counts as undecodable. */
export function lengthPrefixed(options: LengthPrefixedOptions = {}): Framing {
  new OptionCheck("lengthPrefixed")
    .known(options, { bytes: true, littleEndian: true })
    .oneOf("bytes", options.bytes, [1, 2, 4])
    .flag("littleEndian", options.littleEndian)
    .done();
  const { bytes: size = 4, littleEndian = false } = options;
  return {
    frame(record) {
      if (record.length >= 256 ** size) throw new RangeError(`a record of ${record.length} bytes does not fit a length of ${size} bytes`);
      const framed = Buffer.allocUnsafe(size + record.length);
      if (littleEndian) framed.writeUIntLE(record.length, 0, size);
      else framed.writeUIntBE(record.length, 0, size);
      framed.set(record, size);
      return framed;
    },
    splitter: (rules) => new LengthSplitter(size, littleEndian, rules),
  };
}

class LengthSplitter implements Splitter {
  readonly #size: number;
  readonly #littleEndian: boolean;
  readonly #max: number;
  readonly #bytes: ByteQueue;
  /** Bytes still to be stepped over of a record that is too long. */
  #skipping = 0;

  constructor(size: number, littleEndian: boolean, { offset, maxRecordBytes }: SplitterRules) {
    this.#size = size;
    this.#littleEndian = littleEndian;
    this.#max = maxRecordBytes;
    this.#bytes = new ByteQueue(offset);
  }

  push(chunk: Uint8Array): void {
    this.#bytes.push(chunk);
  }

  next(): FramedRecord | undefined {
    const skipped = Math.min(this.#skipping, this.#bytes.length);
    this.#bytes.skip(skipped);
    this.#skipping -= skipped;
    if (this.#skipping > 0 || this.#bytes.length < this.#size) return undefined;
    const start = this.#bytes.offset;
    const length = this.#bytes.number(this.#size, this.#littleEndian);
    if (length > this.#max) {
      const payload = this.#bytes.peek(this.#size);
      this.#skipping = this.#size + length;
      return { payload, start, problem: `the record says it has ${length} bytes, more than ${this.#max}` };
    }
    if (this.#bytes.length < this.#size + length) return undefined;
    this.#bytes.skip(this.#size);
    return { payload: this.#bytes.take(length), start };
  }

  rest(): FramedRecord | undefined {
    if (this.#bytes.length === 0) return undefined;
    const start = this.#bytes.offset;
    return { payload: this.#bytes.take(this.#bytes.length), start, problem: "the input ended within a record" };
  }
}
