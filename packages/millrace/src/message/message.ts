import { PermanentError } from "../errors/index.ts";
import { uuidV7 } from "../internal/uuid-v7.ts";
import { dueAtOf, writeDelay } from "./due-at.ts";
import { keyBytes, keyText } from "./key-bytes.ts";
import { type Metadata, type MetadataInit, TextMap } from "./metadata.ts";
import { type StandardSchema, validate, validateAsync } from "./standard-schema.ts";

export interface MessageOptions {
  /** Default: a new UUID of version 7. */
  readonly id?: string | undefined;
  /** The ordering key, as text or bytes: messages of one key keep their order, on brokers that can (see `capabilities.ordering`). */
  readonly key?: string | Uint8Array | undefined;
  readonly metadata?: MetadataInit | undefined;
  /** Not delivered before so many milliseconds from now; see `dueAt`. Not together with `deliverAt`. */
  readonly delayMs?: number | undefined;
  /** Not delivered before this moment; see `dueAt`. */
  readonly deliverAt?: Date | undefined;
  /** Where a handler with several outputs means it to go; never on the wire, and ignored by `publish`. */
  readonly topic?: string | undefined;
}

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
  /** A fresh message with the same payload; id, key and metadata are kept unless changed. */
  copy(changes?: MessageOptions): Message;
}

export interface MessageConstructor {
  /** A payload given as text is encoded as UTF-8. */
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
    this.payload = typeof payload === "string" ? encoder.encode(payload) : payload;
    if (options === undefined) {
      this._id = undefined;
      this.key = undefined;
      this.topic = undefined;
      this._metadata = undefined;
    } else {
      const { key } = options;
      this._id = options.id;
      this.key = typeof key === "object" ? keyText(key) : key;
      this.topic = options.topic;
      this._metadata = options.metadata === undefined ? undefined : new TextMap(options.metadata);
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
  return schema === undefined ? value : validate(schema, value, `message ${message.id}`);
}

export async function payloadJsonAsync<Output>(message: Message, schema: StandardSchema<unknown, Output>): Promise<Output> {
  return await validateAsync(schema, payloadJson(message, undefined), `message ${message.id}`);
}

export function copyMessage(message: Message, changes: MessageOptions = {}): Message {
  return new PlainMessage(message.payload, {
    id: "id" in changes ? changes.id : message.id,
    key: "key" in changes ? changes.key : message.key,
    topic: "topic" in changes ? changes.topic : message.topic,
    metadata: changes.metadata ?? message.metadata,
    delayMs: changes.delayMs,
    deliverAt: changes.deliverAt,
  });
}
