import { type Message, MillraceError } from "millrace";
import { dueMsOf, entriesWithKey, goJsonMap, isKeyMetadata, keyOfEntries, TextMap } from "millrace/adapter";
import type { NewRow } from "./dialect.ts";

/** The row of a message, as Watermill's SQL publishers write it; its key is one more entry. Takes a snapshot; the payload is shared. */
export function encodeRow(topic: string, message: Message): NewRow {
  const { key, metadata } = message;
  if (metadata.size === 0 && key === undefined) return { topic, id: message.id, payload: message.payload, metadata: undefined, dueMs: undefined };
  return { topic, id: message.id, payload: message.payload, metadata: goJsonMap(entriesWithKey(metadata, key)), dueMs: dueMsOf(message) };
}

export interface DecodedMetadata {
  readonly key: string | undefined;
  readonly metadata: TextMap | undefined;
}

const NONE: DecodedMetadata = Object.freeze({ key: undefined, metadata: undefined });

/** Reads the metadata column. Throws `MillraceError` `UNDECODABLE` for anything but an object of texts, or `null`. */
export function decodeMetadata(text: string | null): DecodedMetadata {
  if (text === null) return NONE;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MillraceError(`the metadata is not JSON: ${(cause as Error).message}`, { code: "UNDECODABLE", cause });
  }
  if (value === null) return NONE;
  if (typeof value !== "object" || Array.isArray(value)) throw new MillraceError("the metadata is not a JSON object", { code: "UNDECODABLE" });
  const metadata = new TextMap();
  let keyed = false;
  for (const [name, entry] of Object.entries(value)) {
    // Go reads null as the empty text.
    if (typeof entry !== "string" && entry !== null) {
      throw new MillraceError(`the metadata ${JSON.stringify(name)} is not a text`, { code: "UNDECODABLE" });
    }
    if (isKeyMetadata(name)) keyed = true;
    else metadata.set(name, entry ?? "");
  }
  const entries = value as Readonly<Record<string, string | null | undefined>>;
  return { key: keyed ? keyOfEntries((name) => (entries[name] === null ? "" : entries[name])) : undefined, metadata };
}
