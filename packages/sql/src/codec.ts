import { type Message, MillraceError } from "millrace";
import { dueMsOf, goJsonMap, TextMap } from "millrace/adapter";
import type { NewRow } from "./dialect.ts";

/** Holds `message.key` in the metadata of a row; written only when a key is set, and taken out again on reading. */
export const KEY_METADATA = "millrace_key";

/** The row of a message, as Watermill's SQL publishers write it. Takes a snapshot; the payload is shared. */
export function encodeRow(topic: string, message: Message): NewRow {
  const { key, metadata } = message;
  if (metadata.size === 0 && key === undefined) return { topic, id: message.id, payload: message.payload, metadata: undefined, dueMs: undefined };
  let entries: Iterable<readonly [string, string]> = metadata;
  if (key !== undefined) entries = new Map(metadata).set(KEY_METADATA, key);
  return { topic, id: message.id, payload: message.payload, metadata: goJsonMap(entries), dueMs: dueMsOf(message) };
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
  let key: string | undefined;
  for (const [name, entry] of Object.entries(value)) {
    // Go reads null as the empty text.
    if (typeof entry !== "string" && entry !== null) {
      throw new MillraceError(`the metadata ${JSON.stringify(name)} is not a text`, { code: "UNDECODABLE" });
    }
    if (name === KEY_METADATA) key = entry ?? "";
    else metadata.set(name, entry ?? "");
  }
  return { key, metadata };
}
