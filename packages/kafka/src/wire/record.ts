import { keyText, NATIVE, type Native, TextMap } from "millrace/adapter";
import { HeaderNames, isAt } from "./header-names.ts";
import { type RawHeader, RawHeaders } from "./raw-headers.ts";

export type { RawHeader };

/** The header that holds a message's id, as Watermill writes it. */
export const UUID_HEADER = "_watermill_message_uuid";

const UUID_HEADER_BYTES = Buffer.from(UUID_HEADER);
const NAMES = new HeaderNames();

/** Where a record stands. */
export interface RecordPlace {
  readonly topic: string;
  readonly index: number;
}

/** One record as it was fetched. Key, value, headers and id are read from its bytes when somebody asks. */
export class KafkaRecord<Place extends RecordPlace = RecordPlace> {
  readonly place: Place;
  readonly offset: number;
  /** Milliseconds since the epoch: of the producer, or of the broker where the topic says `LogAppendTime`. */
  readonly timestamp: number;
  /** Nothing more is to be done with it. */
  settled = false;
  readonly #data: Buffer;
  readonly #keyAt: number;
  readonly #keyLength: number;
  readonly #valueAt: number;
  readonly #valueLength: number;
  readonly #headersAt: number;

  constructor(
    place: Place,
    offset: number,
    timestamp: number,
    data: Buffer,
    keyAt: number,
    keyLength: number,
    valueAt: number,
    valueLength: number,
    headersAt: number,
  ) {
    this.place = place;
    this.offset = offset;
    this.timestamp = timestamp;
    this.#data = data;
    this.#keyAt = keyAt;
    this.#keyLength = keyLength;
    this.#valueAt = valueAt;
    this.#valueLength = valueLength;
    this.#headersAt = headersAt;
  }

  get key(): Buffer | null {
    return this.#keyLength < 0 ? null : this.#data.subarray(this.#keyAt, this.#keyAt + this.#keyLength);
  }

  /** The key as text, as `keyText` of `millrace/adapter` has it; `undefined` where there is none. */
  get keyText(): string | undefined {
    const { key } = this;
    if (key === null) return undefined;
    const text = this.#text(this.#keyAt, this.#keyAt + this.#keyLength);
    // This is also what stands where bytes are no UTF-8.
    return text.includes("\ufffd") ? keyText(key) : text;
  }

  get value(): Buffer | null {
    return this.#valueLength < 0 ? null : this.#data.subarray(this.#valueAt, this.#valueAt + this.#valueLength);
  }

  get headers(): readonly RawHeader[] {
    const headers: RawHeader[] = [];
    this.#eachHeader((nameAt, nameEnd, valueAt, valueEnd) => {
      headers.push([this.#data.subarray(nameAt, nameEnd), valueEnd < valueAt ? null : this.#data.subarray(valueAt, valueEnd)]);
    });
    return headers;
  }

  /** As Watermill reads it: the last header of that name, else empty. */
  get id(): string {
    let id = "";
    this.#eachHeader((nameAt, nameEnd, valueAt, valueEnd) => {
      if (isAt(UUID_HEADER_BYTES, this.#data, nameAt, nameEnd)) id = this.#text(valueAt, valueEnd);
    });
    return id;
  }

  /** As Watermill reads them: every header but the id, the last of a name wins. Looked up when somebody asks for metadata. */
  readMetadata(): TextMap | undefined {
    let metadata: TextMap | undefined;
    this.#eachHeader((nameAt, nameEnd, valueAt, valueEnd) => {
      if (isAt(UUID_HEADER_BYTES, this.#data, nameAt, nameEnd)) return;
      metadata ??= new TextMap();
      metadata.set(NAMES.read(this.#data, nameAt, nameEnd), this.#text(valueAt, valueEnd));
    });
    return metadata;
  }

  #text(from: number, to: number): string {
    return to <= from ? "" : this.#data.toString(undefined, from, to); // named encodings are looked up first
  }

  /** A null value has its end before its beginning. */
  #eachHeader(visit: (nameAt: number, nameEnd: number, valueAt: number, valueEnd: number) => void): void {
    const data = this.#data;
    const cursor: VarintCursor = { at: this.#headersAt };
    for (let left = readVarint(data, cursor); left > 0; left--) {
      const nameLength = readVarint(data, cursor);
      const nameAt = cursor.at;
      cursor.at += nameLength;
      const valueLength = readVarint(data, cursor);
      const valueAt = cursor.at;
      if (valueLength > 0) cursor.at += valueLength;
      visit(nameAt, nameAt + nameLength, valueAt, valueAt + valueLength);
    }
  }
}

// What a copy of its message has of it.
Object.defineProperty(KafkaRecord.prototype, NATIVE, {
  get(this: KafkaRecord): Native {
    return new RawHeaders(this.headers);
  },
});

export interface VarintCursor {
  at: number;
}

/** A signed variable-length number of up to 32 bits, zigzag as Kafka's records have it. */
export function readVarint(data: Buffer, cursor: VarintCursor): number {
  let at = cursor.at;
  let byte = data[at++] as number;
  if (byte < 0x80) {
    cursor.at = at;
    return (byte >>> 1) ^ -(byte & 1);
  }
  let value = byte & 0x7f;
  for (let shift = 7; byte >= 0x80; shift += 7) {
    if (at >= data.length || shift > 28) throw new RangeError("a record's bytes end in the middle of a number");
    byte = data[at++] as number;
    value |= (byte & 0x7f) << shift;
  }
  cursor.at = at;
  return (value >>> 1) ^ -(value & 1);
}

/** As `readVarint`, of up to 64 bits; exact up to 2^53. */
export function readLongVarint(data: Buffer, cursor: VarintCursor): number {
  const first = data[cursor.at] as number;
  if (first < 0x80) {
    cursor.at++;
    return (first >>> 1) ^ -(first & 1);
  }
  let value = 0;
  let scale = 1;
  for (;;) {
    if (cursor.at >= data.length) throw new RangeError("a record's bytes end in the middle of a number");
    const byte = data[cursor.at++] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    scale *= 128;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
