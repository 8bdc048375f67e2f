import { fromBase64, toBase64 } from "../adapter/base64.ts";
import { goJsonMap, goJsonText } from "../adapter/go-json.ts";
// Fields of our own, which Watermill passes over: the message's ordering key as text or, where it is no UTF-8, as base64. Only for messages that have one.
import { KEY_BASE64_METADATA as BINARY_KEY_FIELD, KEY_METADATA as KEY_FIELD, keyEntry, keyOfEntries } from "../adapter/key-metadata.ts";
import { OptionError, PermanentError } from "../errors/index.ts";
import { Message, type MessageOptions } from "../message/index.ts";
import { type Native, NO_PAYLOAD, nativeOf, withNative } from "../message/native.ts";
import type { Addressed } from "../relay/addressed.ts";

/** Likewise: what one family of brokers alone knows of it, by the family's name. */
const NATIVE_FIELD = "millrace_native";

/**
 * Wraps a message and the topic it is meant for in a message for the outbox, byte for byte as Watermill's forwarder does.
 *
 * The envelope has an id of its own and no metadata. A message's ordering key is the envelope's key too, so that an outbox with keys keeps
 * the order, and is written into it, in a field that Watermill passes over, so that an outbox without keys does not lose it; so is what only
 * the broker knows that it came from. A payload that is none at all, as of Kafka's tombstones, is `null`, and none again when opened. Throws
 * `OptionError` `BAD_OPTION` for a topic that is empty.
 *
 * ```ts
 * const opened = openEnvelope(envelope("order.placed", new Message("hello", { id: "m-1" })));
 * ```
 */
export function envelope(destinationTopic: string, message: Message): Message {
  if (typeof destinationTopic !== "string" || destinationTopic === "") {
    throw new OptionError("envelope", ["destinationTopic must be a text that is not empty"]);
  }
  const { id, key, payload, metadata } = message;
  // Go writes null for a slice that is nil, as it does with a message whose payload nobody has set.
  const bytes = payload === NO_PAYLOAD ? "null" : `"${toBase64(payload)}"`;
  const ours = `${keyField(key)}${nativeField(nativeOf(message))}`;
  const body = `{"destination_topic":${goJsonText(destinationTopic)},"uuid":${goJsonText(id)},"payload":${bytes},"metadata":${goJsonMap(metadata)}${ours}}`;
  return new Message(body, key === undefined ? undefined : { key });
}

/**
 * Takes the message and its topic out of an envelope; reads as Go does: field names in any case, unknown fields ignored, `null`
 * for nothing, a payload also as a list of numbers.
 *
 * The key written in it becomes the message's, else the envelope's own key. Throws `PermanentError` `BAD_ENVELOPE`; its text never quotes what was read.
 */
export function openEnvelope(message: Message): Addressed {
  const fields = read(message);
  const topic = text("destination_topic", fields.topic, message);
  if (topic === "") throw bad(message, "it names no destination topic");
  const options: MessageOptions = {
    id: text("uuid", fields.id, message),
    key: writtenKey(fields, message) ?? message.key,
    metadata: metadata(fields.metadata, message),
  };
  return { topic, message: withNative(new Message(payload(fields.payload, message), options), writtenNative(fields.native)) };
}

interface Fields {
  topic: unknown;
  id: unknown;
  payload: unknown;
  metadata: unknown;
  key: unknown;
  binaryKey: unknown;
  native: unknown;
}

function keyField(key: string | undefined): string {
  if (key === undefined) return "";
  const [name, value] = keyEntry(key);
  return `,"${name}":${goJsonText(value)}`;
}

function nativeField(native: Native | undefined): string {
  const text = native?.text();
  return native === undefined || text === undefined ? "" : `,"${NATIVE_FIELD}":{${goJsonText(native.family)}:${goJsonText(text)}}`;
}

/** What is not of that form is left to others, like any field that is not known. */
function writtenNative(field: unknown): Native | undefined {
  if (typeof field !== "object" || field === null) return undefined;
  const [family, text] = Object.entries(field)[0] ?? [];
  return family === undefined || typeof text !== "string" ? undefined : { family, text: () => text };
}

function writtenKey({ key, binaryKey }: Fields, message: Message): string | undefined {
  const entryOf = (name: string): string | undefined => {
    const field = name === KEY_FIELD ? key : binaryKey;
    return field === undefined || field === null ? undefined : text(name, field, message);
  };
  try {
    return keyOfEntries(entryOf);
  } catch (error) {
    throw error instanceof PermanentError ? error : bad(message, (error as Error).message);
  }
}

function read(message: Message): Fields {
  let value: unknown;
  try {
    value = JSON.parse(message.text());
  } catch {
    // The cause is left out on purpose: it quotes the payload.
    throw bad(message, "it is not JSON");
  }
  const fields: Fields = { topic: undefined, id: undefined, payload: undefined, metadata: undefined, key: undefined, binaryKey: undefined, native: undefined };
  if (value === null) return fields;
  if (typeof value !== "object" || Array.isArray(value)) throw bad(message, "it is not a JSON object");
  for (const [name, field] of Object.entries(value)) {
    const known = name.toLowerCase();
    if (known === "destination_topic") fields.topic = field;
    else if (known === "uuid") fields.id = field;
    else if (known === "payload") fields.payload = field;
    else if (known === "metadata") fields.metadata = field;
    else if (known === KEY_FIELD) fields.key = field;
    else if (known === BINARY_KEY_FIELD) fields.binaryKey = field;
    else if (known === NATIVE_FIELD) fields.native = field;
  }
  return fields;
}

function text(name: string, value: unknown, message: Message): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw bad(message, `${name} is not a text`);
  return value.toWellFormed();
}

function payload(value: unknown, message: Message): Uint8Array {
  if (value === undefined) return new Uint8Array(0);
  if (value === null) return NO_PAYLOAD;
  const bytes = typeof value === "string" ? fromBase64(value) : Array.isArray(value) && value.every(isByte) ? Uint8Array.from(value as number[]) : undefined;
  if (bytes === undefined) throw bad(message, "its payload is not base64");
  return bytes;
}

function isByte(value: unknown): boolean {
  return value === null || (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255);
}

function metadata(value: unknown, message: Message): [string, string][] | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) throw bad(message, "its metadata is not an object");
  const entries = Object.entries(value);
  if (entries.length === 0) return undefined;
  return entries.map(([key, entry]) => [key.toWellFormed(), text("a metadata value", entry, message)]);
}

function bad(message: Message, what: string): PermanentError {
  return new PermanentError(`message ${message.id} is no envelope: ${what}`, { code: "BAD_ENVELOPE" });
}
