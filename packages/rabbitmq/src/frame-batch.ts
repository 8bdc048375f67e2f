import type { WireProperties } from "./codec.ts";

const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const END = 0xce;
const BASIC = 60;
const PUBLISH = 40;
const HAS_HEADERS = 1 << 13;
const HAS_DELIVERY_MODE = 1 << 12;
const HAS_CORRELATION_ID = 1 << 10;
/** Type, channel, size and the end mark of a frame. */
const AROUND = 8;

/** What is written here; whatever else a codec sets goes the long way through amqplib. */
const KNOWN: ReadonlySet<string> = new Set(["headers", "persistent", "mandatory", "correlationId"]);

/**
 * Frames of `basic.publish`, many messages in one piece: amqplib makes three buffers and a write of each. Every piece holds whole
 * frames, so those of other channels may come between two pieces.
 */
export class FrameBatch {
  readonly #channel: number;
  readonly #frameMax: number;
  #bytes: Buffer = Buffer.allocUnsafe(16 * 1024);
  #length = 0;

  constructor(channel: number, frameMax: number) {
    this.#channel = channel;
    this.#frameMax = frameMax;
  }

  get length(): number {
    return this.#length;
  }

  /** Takes one message in; false when it is none for here. Throws `RangeError` when its headers are too long for a frame. */
  add(exchange: string, routingKey: string, content: Buffer, properties: WireProperties): boolean {
    const room = roomFor(properties);
    if (room === undefined) return false;
    const frames = content.length === 0 ? 0 : Math.ceil(content.length / (this.#frameMax - AROUND));
    this.#reserve(room + 3 * (exchange.length + routingKey.length) + 64 + content.length + frames * AROUND);
    const begin = this.#length;
    try {
      this.#method(exchange, routingKey, properties.mandatory === true);
      this.#header(content.length, properties);
    } catch (error) {
      this.#length = begin;
      throw error;
    }
    for (let from = 0; from < content.length; from += this.#frameMax - AROUND) this.#body(content, from);
    return true;
  }

  /** Everything so far, in a buffer of its own. */
  take(): Buffer {
    const piece = Buffer.allocUnsafe(this.#length);
    this.#bytes.copy(piece, 0, 0, this.#length);
    this.#length = 0;
    return piece;
  }

  #method(exchange: string, routingKey: string, mandatory: boolean): void {
    const start = this.#begin(METHOD);
    const bytes = this.#bytes;
    bytes.writeUInt32BE(BASIC * 0x10000 + PUBLISH, this.#length);
    bytes.writeUInt16BE(0, this.#length + 4);
    this.#length += 6;
    this.#shortText(exchange);
    this.#shortText(routingKey);
    bytes[this.#length++] = mandatory ? 1 : 0;
    this.#end(start);
  }

  #header(size: number, { headers, persistent, correlationId }: WireProperties): void {
    const start = this.#begin(HEADER);
    const bytes = this.#bytes;
    bytes.writeUInt32BE(BASIC * 0x10000, this.#length);
    bytes.writeUInt32BE(0, this.#length + 4);
    bytes.writeUInt32BE(size, this.#length + 8);
    const flags =
      (headers === undefined ? 0 : HAS_HEADERS) | (persistent === undefined ? 0 : HAS_DELIVERY_MODE) | (correlationId === undefined ? 0 : HAS_CORRELATION_ID);
    bytes.writeUInt16BE(flags, this.#length + 12);
    this.#length += 14;
    if (headers !== undefined) this.#table(headers as Readonly<Record<string, string>>);
    if (persistent !== undefined) bytes[this.#length++] = persistent ? 2 : 1;
    if (correlationId !== undefined) this.#shortText(correlationId);
    this.#end(start);
    const length = this.#length - start - AROUND;
    if (length > this.#frameMax - AROUND) throw new RangeError(`the headers take ${length} bytes, a frame has room for ${this.#frameMax - AROUND}`);
  }

  #body(content: Buffer, from: number): void {
    const start = this.#begin(BODY);
    const until = Math.min(content.length, from + this.#frameMax - AROUND);
    this.#bytes.set(content.subarray(from, until), this.#length);
    this.#length += until - from;
    this.#end(start);
  }

  #table(entries: Readonly<Record<string, string>>): void {
    const bytes = this.#bytes;
    const at = this.#length;
    this.#length += 4;
    for (const name in entries) {
      if (!Object.hasOwn(entries, name)) continue;
      this.#shortText(name);
      bytes[this.#length] = 0x53; // S
      const written = bytes.write(entries[name] as string, this.#length + 5, "utf8");
      bytes.writeUInt32BE(written, this.#length + 1);
      this.#length += 5 + written;
    }
    bytes.writeUInt32BE(this.#length - at - 4, at);
  }

  #shortText(text: string): void {
    const written = this.#bytes.write(text, this.#length + 1, "utf8");
    if (written > 255) throw new RangeError(`longer than 255 bytes: ${text.slice(0, 32)}…`);
    this.#bytes[this.#length] = written;
    this.#length += 1 + written;
  }

  #begin(type: number): number {
    const start = this.#length;
    this.#bytes[start] = type;
    this.#bytes.writeUInt16BE(this.#channel, start + 1);
    this.#length += 7;
    return start;
  }

  #end(start: number): void {
    this.#bytes.writeUInt32BE(this.#length - start - 7, start + 3);
    this.#bytes[this.#length++] = END;
  }

  #reserve(room: number): void {
    if (this.#length + room <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + room));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** Bytes that the properties take at most; undefined when something is among them that is not written here. */
function roomFor(properties: WireProperties): number | undefined {
  for (const name in properties) if (!KNOWN.has(name)) return undefined;
  let room = 3 * (properties.correlationId?.length ?? 0);
  const headers = properties.headers as Readonly<Record<string, unknown>> | undefined;
  for (const name in headers) {
    const value = headers[name];
    if (typeof value !== "string") return undefined;
    room += 3 * (name.length + value.length) + 6;
  }
  return room;
}
