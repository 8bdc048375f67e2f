import { type Message, MillraceError } from "millrace";
import { type Fetched, isBinaryKey, keyBytes, OptionCheck } from "millrace/adapter";
import { TOMBSTONE_PAYLOAD } from "./tombstone.ts";
import { type RawHeader, rawHeadersOf } from "./wire/raw-headers.ts";
import { type KafkaRecord, UUID_HEADER } from "./wire/record.ts";

/** Name and value of a header to write; a text is written as UTF-8. */
export type HeaderInit = readonly [name: string | Uint8Array, value: string | Uint8Array | null];

/** What becomes of a message on the wire. */
export interface RecordInit {
  /** `undefined`: no key, which is not the same as an empty one. A text is written as UTF-8. */
  readonly key: string | Uint8Array | undefined;
  /** `null`: a tombstone. */
  readonly value: Uint8Array | null;
  readonly headers: readonly HeaderInit[];
}

/** A record as it was fetched, for a codec to read. */
export type FetchedRecord = Pick<KafkaRecord, "offset" | "timestamp" | "key" | "keyText" | "value" | "headers">;

/** The wire format: a message to a record and back. */
export interface KafkaCodec {
  encode(topic: string, message: Message): RecordInit;
  /** Throws for bytes that are no message: they go to the dead letter, or are stepped over. */
  decode(record: FetchedRecord): Fetched;
}

export interface WatermillCodecOptions {
  /** The record's key, as Watermill's `NewWithPartitioningMarshaler` takes it. Default: `message.key`. */
  readonly key?: ((topic: string, message: Message) => string | Uint8Array | undefined) | undefined;
}

/**
 * Watermill's default format: the payload is the value, the id is the header `_watermill_message_uuid`, metadata are the other
 * headers. `message.keyBytes` are the record's key, byte for byte. Every record can be read: one without an id has the empty id, as in Watermill.
 *
 * - Metadata under the id's own name cannot be written: `publish` rejects with `UNENCODABLE`.
 * - Headers that are not UTF-8, repeat or are null are kept byte for byte when the message they came with is published again, itself or a
 *   copy of it, a dead letter for one, as long as its metadata still says the same.
 */
export function watermillCodec(options: WatermillCodecOptions = {}): KafkaCodec {
  new OptionCheck("watermillCodec").known(options, { key: true }).call("key", options.key).done();
  const { key } = options;
  return Object.freeze({ encode: (topic: string, message: Message) => encode(message, key === undefined ? message.key : key(topic, message)), decode });
}

function encode(message: Message, given: string | Uint8Array | undefined): RecordInit {
  const { id, payload, metadata } = message;
  if (metadata.has(UUID_HEADER)) {
    throw new MillraceError(`metadata cannot hold ${UUID_HEADER}: it is the header of the message's id`, { code: "UNENCODABLE" });
  }
  const value = payload === TOMBSTONE_PAYLOAD ? null : payload;
  const key = typeof given === "string" && isBinaryKey(given) ? keyBytes(given) : given;
  const raw = rawHeadersOf(message);
  if (raw !== undefined) return { key, value, headers: withRawHeaders(message, raw) };
  const headers: HeaderInit[] = [[UUID_HEADER, id]];
  if (metadata.size > 0) for (const entry of metadata) headers.push(entry);
  return { key, value, headers };
}

function decode(record: FetchedRecord): Fetched {
  return { source: record as KafkaRecord, key: record.keyText, payload: record.value ?? TOMBSTONE_PAYLOAD, metadata: undefined };
}

/** The raw headers where the metadata still says what they say, the metadata where it says something else. */
function withRawHeaders({ id, metadata }: Message, raw: readonly RawHeader[]): HeaderInit[] {
  const headers: HeaderInit[] = [[UUID_HEADER, id]];
  const said = new Map(raw.map(([name, value]) => [name.toString(), value?.toString() ?? ""]));
  const kept = new Set<string>();
  for (const [name, value] of raw) {
    const text = name.toString();
    if (text === UUID_HEADER || metadata.get(text) !== said.get(text)) continue;
    kept.add(text);
    headers.push([name, value]);
  }
  for (const [name, value] of metadata) if (!kept.has(name)) headers.push([name, value]);
  return headers;
}
