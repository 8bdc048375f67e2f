import { MillraceError } from "millrace";

/** Tables and lists in one another, at most: beyond that nobody means anything by them. */
export const MOST_NESTED = 32;

/**
 * Reads a table of headers. Every type that RabbitMQ knows, and the specification's own letters for them. A value that a number of
 * JavaScript cannot hold, or that amqplib would write back as another, is said in amqplib's way: `{ "!": "int64", value: "9007199254740993" }`.
 *
 * @throws MillraceError `UNDECODABLE` for bytes that are no table, and for one that is nested deeper than 32 levels.
 */
export function readTable(bytes: Buffer): Record<string, unknown> {
  return new TableReader(bytes).table(bytes.length, 0);
}

class TableReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  table(end: number, depth: number): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    while (this.#at < end) {
      const name = this.#text(this.#bytes[this.#take(1, end)] as number, end);
      const value = this.#value(end, depth);
      // Plain assignment of this one name would set the prototype.
      if (name === "__proto__") Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
      else fields[name] = value;
    }
    return fields;
  }

  #list(end: number, depth: number): unknown[] {
    const values: unknown[] = [];
    while (this.#at < end) values.push(this.#value(end, depth));
    return values;
  }

  #value(end: number, depth: number): unknown {
    const bytes = this.#bytes;
    const tag = String.fromCharCode(bytes[this.#take(1, end)] as number);
    switch (tag) {
      case "S":
        return this.#text(this.#length(end), end);
      case "t":
        return bytes[this.#take(1, end)] !== 0;
      case "b":
        return bytes.readInt8(this.#take(1, end));
      case "B":
        return bytes.readUInt8(this.#take(1, end));
      case "s":
      case "U":
        return bytes.readInt16BE(this.#take(2, end));
      case "u":
        return bytes.readUInt16BE(this.#take(2, end));
      case "I":
        return bytes.readInt32BE(this.#take(4, end));
      case "i":
        return bytes.readUInt32BE(this.#take(4, end));
      case "l":
      case "L":
        return whole(bytes.readBigInt64BE(this.#take(8, end)));
      case "f":
        return double(bytes.readFloatBE(this.#take(4, end)));
      case "d":
        return double(bytes.readDoubleBE(this.#take(8, end)));
      case "D": {
        const at = this.#take(5, end);
        return { "!": "decimal", value: { places: bytes[at], digits: bytes.readUInt32BE(at + 1) } };
      }
      case "T": {
        const seconds = bytes.readBigUInt64BE(this.#take(8, end));
        return { "!": "timestamp", value: seconds <= Number.MAX_SAFE_INTEGER ? Number(seconds) : String(seconds) };
      }
      case "V":
        return null;
      case "x": {
        const length = this.#length(end);
        const at = this.#take(length, end);
        return bytes.subarray(at, at + length);
      }
      case "F":
        return this.table(this.#nested(end, depth), depth + 1);
      case "A":
        return this.#list(this.#nested(end, depth), depth + 1);
      default:
        throw undecodable(`a header has the type ${JSON.stringify(tag)}, which is none that RabbitMQ knows`);
    }
  }

  /** Where what is nested ends. */
  #nested(end: number, depth: number): number {
    if (depth >= MOST_NESTED) throw undecodable(`headers are nested deeper than ${MOST_NESTED} levels`);
    const length = this.#length(end);
    if (this.#at + length > end) throw tooShort();
    return this.#at + length;
  }

  #length(end: number): number {
    return this.#bytes.readUInt32BE(this.#take(4, end));
  }

  #text(length: number, end: number): string {
    const at = this.#take(length, end);
    return this.#bytes.toString("utf8", at, at + length);
  }

  /** Where the next `count` bytes begin. */
  #take(count: number, end: number): number {
    const at = this.#at;
    if (at + count > end) throw tooShort();
    this.#at = at + count;
    return at;
  }
}

function whole(value: bigint): unknown {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : { "!": "int64", value: String(value) };
}

/** amqplib writes large numbers, and those that are none, as whole ones. */
function double(value: number): unknown {
  return Number.isSafeInteger(value) || Math.abs(value) < 2 ** 50 ? value : { "!": "double", value: String(value) };
}

function tooShort(): MillraceError {
  return undecodable("headers end in the middle of a value");
}

function undecodable(text: string): MillraceError {
  return new MillraceError(text, { code: "UNDECODABLE" });
}
