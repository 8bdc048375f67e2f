import type { Options } from "amqplib";
import { type Message, MillraceError } from "millrace";
import { TextMap } from "millrace/adapter";
import { headerText } from "./header-text.ts";
import { isOwnHeader, KEY_METADATA } from "./own-headers.ts";

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
  readonly metadata: TextMap | undefined;
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
      return decoded(id ?? textOf(properties.messageId), content, headers, idHeader);
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
    decode: (content, properties) => decoded(textOf(properties.correlationId), content, properties.headers, undefined),
  };
}

function headersOf(message: Message): Record<string, unknown> {
  const headers: Record<string, unknown> = {};
  const { key, metadata } = message;
  if (metadata.size > 0) {
    for (const [name, value] of metadata) {
      if (name === "CC" || name === "BCC") throw unencodable(`metadata ${name} would have RabbitMQ send copies elsewhere`);
      if (Buffer.byteLength(name) > 255) throw unencodable(`the name of a metadata entry is longer than 255 bytes: ${name.slice(0, 32)}…`);
      // Plain assignment of this one name would set the object's prototype.
      if (name === "__proto__") Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true });
      else headers[name] = value;
    }
  }
  if (key !== undefined) headers[KEY_METADATA] = key;
  return headers;
}

function decoded(id: string, payload: Uint8Array, headers: Readonly<Record<string, unknown>> | undefined, idHeader: string | undefined): DecodedMessage {
  let key: string | undefined;
  let metadata: TextMap | undefined;
  for (const name in headers) {
    if (name === idHeader || !Object.hasOwn(headers, name)) continue;
    if (name === KEY_METADATA) key = headerText(headers[name]);
    else if (!isOwnHeader(name)) {
      metadata ??= new TextMap();
      metadata.set(name, headerText(headers[name]));
    }
  }
  return { id, key, payload, metadata };
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
