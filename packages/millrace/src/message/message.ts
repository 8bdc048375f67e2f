import { PermanentError } from "../errors/index.ts";
import { uuidV7 } from "../internal/uuid-v7.ts";
import { badMessage } from "./bad-message.ts";
import { dueAtOf, writeDelay } from "./due-at.ts";
import { keyBytes, keyText, lastingKey } from "./key-bytes.ts";
import type { MessageOptions } from "./message-options.ts";
import { type Metadata, type MetadataInit, TextMap } from "./metadata.ts";
import { nativeOf, withNative } from "./native.ts";
import { type StandardSchema, validate, validateAsync } from "./standard-schema.ts";

/**
 * What is published: bytes, an id, an optional ordering key, and metadata.
 *
 * Payload bytes are shared, never cloned: do not write to them once the message has been published or received.
 * `publish` takes a snapshot of id, key and metadata, so changing metadata afterwards changes nothing in flight.
 *
 * ```ts
 * const placed = Message.json({ id: "o-1", total: 42 }, { key: "o-1", metadata: { tenant: "acme" } });
 * ```
 */
export interface Message {
  readonly id: string;
  /** The ordering key as text. Bytes that are no UTF-8 stand as lone surrogates, so that two different keys never have the same text. */
  readonly key: string | undefined;
  /** The ordering key as bytes. */
  readonly keyBytes: Uint8Array | undefined;
  /**
   * Not delivered before this moment. It travels in Watermill's two metadata fields, `_watermill_delayed_for` and
   * `_watermill_delayed_until`; the latter is what is read. A broker that cannot hold messages back refuses one that is not due yet.
   */
  readonly dueAt: Date | undefined;
  /** Where a handler with several outputs means it to go. */
  readonly topic: string | undefined;
  readonly payload: Uint8Array;
  readonly metadata: Metadata;
  /** The payload as UTF-8 text. */
  text(): string;
  /** The payload parsed as JSON. Throws `PermanentError` `INVALID_PAYLOAD` when it is not JSON. */
  json(): unknown;
  /** The payload parsed and validated. Throws `PermanentError` `INVALID_PAYLOAD` that names every bad field's path. */
  json<Output>(schema: StandardSchema<unknown, Output>): Output;
  /** As `json(schema)`, for schemas that validate asynchronously. */
  jsonAsync<Output>(schema: StandardSchema<unknown, Output>): Promise<Output>;
  /** A fresh message with the same payload; id, key, topic and metadata are kept unless changed, and with metadata the time at which it is due. */
  copy(changes?: MessageOptions): Message;
}

export interface MessageConstructor {
  /** A payload given as text is encoded as UTF-8. Throws `OptionError` `BAD_OPTION` for a payload or an option of another type. */
  new (payload: Uint8Array | string, options?: MessageOptions): Message;
  /** A message whose payload is `JSON.stringify(value)`. Throws a `TypeError` for a value that JSON cannot hold. */
  json(value: unknown, options?: MessageOptions): Message;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What every message is made of. The id and the metadata object come into being when first asked for. */
export class PlainMessage implements Message {
  _id: string | undefined;
  readonly key: string | undefined;
  readonly payload: Uint8Array;
  readonly topic: string | undefined;
  _metadata: TextMap | undefined;

  constructor(payload: Uint8Array | string, options?: MessageOptions) {
    if (typeof payload === "string") this.payload = encoder.encode(payload);
    else if (payload instanceof Uint8Array) this.payload = payload;
    else throw badMessage(payload, options);
    if (options === undefined) {
      this._id = undefined;
      this.key = undefined;
      this.topic = undefined;
      this._metadata = undefined;
    } else {
      if (typeof options !== "object" || options === null) throw badMessage(payload, options);
      const { id, key, topic, metadata } = options;
      if ((id !== undefined && (typeof id !== "string" || !id.isWellFormed())) || (topic !== undefined && typeof topic !== "string"))
        throw badMessage(payload, options);
      this._id = id;
      this.key = key === undefined ? undefined : typeof key === "string" ? lastingKey(key) : key instanceof Uint8Array ? keyText(key) : undefined;
      if (this.key === undefined && key !== undefined) throw badMessage(payload, options);
      this.topic = topic;
      this._metadata = metadata === undefined ? undefined : textMap(metadata, payload, options);
      if (options.delayMs !== undefined || options.deliverAt !== undefined) writeDelay(this.metadata, options);
    }
  }

  static json(value: unknown, options?: MessageOptions): Message {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`Message.json cannot hold ${typeof value}: give it a value that JSON can express`);
    return new PlainMessage(text, options);
  }

  get id(): string {
    return (this._id ??= uuidV7());
  }

  get metadata(): Metadata {
    return (this._metadata ??= new TextMap());
  }

  get keyBytes(): Uint8Array | undefined {
    return this.key === undefined ? undefined : keyBytes(this.key);
  }

  get dueAt(): Date | undefined {
    return this._metadata === undefined ? undefined : dueAtOf(this._metadata);
  }

  text(): string {
    return payloadText(this.payload);
  }

  json(): unknown;
  json<Output>(schema: StandardSchema<unknown, Output>): Output;
  json(schema?: StandardSchema<unknown, unknown>): unknown {
    return payloadJson(this, schema);
  }

  jsonAsync<Output>(schema: StandardSchema<unknown, Output>): Promise<Output> {
    return payloadJsonAsync(this, schema);
  }

  copy(changes?: MessageOptions): Message {
    return copyMessage(this, changes);
  }
}

export const Message: MessageConstructor = PlainMessage;

function textMap(metadata: MetadataInit, payload: unknown, options: MessageOptions): TextMap {
  if (metadata instanceof TextMap) return new TextMap(metadata);
  if (typeof metadata !== "object" || metadata === null) throw badMessage(payload, options);
  try {
    return new TextMap(metadata);
  } catch (error) {
    throw badMessage(payload, options, error);
  }
}

export function payloadText(payload: Uint8Array): string {
  return decoder.decode(payload);
}

export function payloadJson(message: Message, schema: StandardSchema<unknown, unknown> | undefined): unknown {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(message.payload));
  } catch (cause) {
    throw new PermanentError(`message ${message.id} does not hold JSON: ${(cause as Error).message}`, { code: "INVALID_PAYLOAD", cause });
  }
  return schema === undefined ? value : validate(schema, value, `message ${message.id}`, "jsonAsync(schema)");
}

export async function payloadJsonAsync<Output>(message: Message, schema: StandardSchema<unknown, Output>): Promise<Output> {
  return await validateAsync(schema, payloadJson(message, undefined), `message ${message.id}`);
}

export function copyMessage(message: Message, changes: MessageOptions = {}): Message {
  if (typeof changes !== "object" || changes === null) throw badMessage(message.payload, changes);
  const copy = new PlainMessage(message.payload, {
    id: "id" in changes ? changes.id : message.id,
    key: "key" in changes ? changes.key : message.key,
    topic: "topic" in changes ? changes.topic : message.topic,
    metadata: changes.metadata ?? message.metadata,
    delayMs: changes.delayMs,
    deliverAt: changes.deliverAt,
  });
  return withNative(copy, nativeOf(message));
}
