import type { Options } from "amqplib";
import { type Message, MillraceError } from "millrace";
import { entriesWithKey, keyOfEntries, OptionCheck, TextMap } from "millrace/adapter";
import { headerText } from "./header-text.ts";
import { isOwnHeader } from "./own-headers.ts";

/** The header in which Watermill carries a message's id. */
export const ID_HEADER = "_watermill_message_uuid";

/** Properties of a message as AMQP has them, headers among them. */
export type WireProperties = Options.Publish;

export interface WireMessage {
  readonly content: Buffer;
  readonly properties: WireProperties;
}

/** Properties of a message that was received. */
export interface ReceivedProperties {
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly correlationId?: unknown;
  readonly messageId?: unknown;
}

export interface DecodedMessage {
  readonly id: string;
  readonly key: string | undefined;
  readonly payload: Uint8Array;
  /** Called for each delivery whose metadata somebody asks for; the answer is handed over, so it is a fresh one each time. */
  readMetadata(): TextMap | undefined;
}

/** A wire format. `encode` throws for a message that it cannot write, `decode` for bytes that are not of its kind. */
export interface RabbitMqCodec {
  encode(message: Message): WireMessage;
  decode(content: Buffer, properties: ReceivedProperties): DecodedMessage;
}

/**
 * Watermill's default marshaler: the payload is the body, metadata are headers, the id is one more header.
 * Reading is more lenient than Watermill's, which refuses headers that are no text: they become text.
 *
 * ```ts
 * const codec = watermillCodec({ idHeader: "x-id" });
 * ```
 */
export function watermillCodec(options: { readonly idHeader?: string | undefined } = {}): RabbitMqCodec {
  new OptionCheck("watermillCodec").known(options, { idHeader: true }).text("idHeader", options.idHeader).done();
  const { idHeader = ID_HEADER } = options;
  return {
    encode: (message) => {
      const headers = headersOf(message);
      headers[idHeader] = message.id; // last: an entry of that name gives way, as in Watermill
      return { content: bytesOf(message.payload), properties: { headers } };
    },
    decode: (content, properties) => {
      const { headers } = properties;
      const id = headers?.[idHeader];
      if (id !== undefined && typeof id !== "string") {
        throw new MillraceError(`the header ${idHeader} is no text, but ${headerText(id).slice(0, 64)}`, { code: "UNDECODABLE" });
      }
      return new HeadersMessage(id ?? textOf(properties.messageId), content, headers, idHeader);
    },
  };
}

/** Watermill's correlating marshaler: as the default one, with the id in the property `correlation-id`. */
export function correlatingCodec(): RabbitMqCodec {
  return {
    encode: (message) => {
      const headers = headersOf(message);
      // Go leaves a property out that is empty.
      const properties = message.id === "" ? { headers } : { headers, correlationId: message.id };
      return { content: bytesOf(message.payload), properties };
    },
    decode: (content, properties) => new HeadersMessage(textOf(properties.correlationId), content, properties.headers, undefined),
  };
}

function headersOf(message: Message): Record<string, unknown> {
  const headers: Record<string, unknown> = {};
  const { key, metadata } = message;
  if (metadata.size === 0 && key === undefined) return headers;
  for (const [name, value] of entriesWithKey(metadata, key)) {
    if (name === "CC" || name === "BCC") throw unencodable(`metadata ${name} would have RabbitMQ send copies elsewhere`);
    if (Buffer.byteLength(name) > 255) throw unencodable(`the name of a metadata entry is longer than 255 bytes: ${name.slice(0, 32)}…`);
    // Plain assignment of this one name would set the object's prototype.
    if (name === "__proto__") Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true });
    else headers[name] = value;
  }
  return headers;
}

/** Metadata are headers: they are looked at when somebody asks. */
export class HeadersMessage implements DecodedMessage {
  readonly id: string;
  readonly payload: Uint8Array;
  readonly #headers: Readonly<Record<string, unknown>> | undefined;
  readonly #idHeader: string | undefined;

  constructor(id: string, payload: Uint8Array, headers: Readonly<Record<string, unknown>> | undefined, idHeader: string | undefined) {
    this.id = id;
    this.payload = payload;
    this.#headers = headers;
    this.#idHeader = idHeader;
  }

  get key(): string | undefined {
    const headers = this.#headers;
    if (headers === undefined) return undefined;
    return keyOfEntries((name) => (Object.hasOwn(headers, name) ? headerText(headers[name]) : undefined));
  }

  readMetadata(): TextMap | undefined {
    let metadata: TextMap | undefined;
    const headers = this.#headers;
    for (const name in headers) {
      if (name === this.#idHeader || !Object.hasOwn(headers, name) || isOwnHeader(name)) continue;
      metadata ??= new TextMap();
      metadata.set(name, headerText(headers[name]));
    }
    return metadata;
  }
}

function bytesOf(payload: Uint8Array): Buffer {
  return Buffer.isBuffer(payload) ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.length);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function unencodable(text: string): MillraceError {
  return new MillraceError(text, { code: "UNENCODABLE" });
}
