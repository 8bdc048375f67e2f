import { type Message, type Metadata, MillraceError } from "millrace";
import { dueMsOf, goJsonMap, isKeyMetadata, KEY_BASE64_METADATA, KEY_METADATA, keyEntry, keyOfEntry, TextMap } from "millrace/adapter";
import type { NewRow } from "./dialect.ts";

/** The row of a message, as Watermill's SQL publishers write it; its key is one more entry. Takes a snapshot; the payload is shared. */
export function encodeRow(topic: string, message: Message): NewRow {
  const { key, metadata } = message;
  if (metadata.size === 0 && key === undefined) return { topic, id: message.id, payload: message.payload, metadata: undefined, dueMs: undefined };
  let entries: Iterable<readonly [string, string]> = metadata;
  if (key !== undefined) entries = withKey(metadata, key);
  return { topic, id: message.id, payload: message.payload, metadata: goJsonMap(entries), dueMs: dueMsOf(message) };
}

function withKey(metadata: Metadata, key: string): ReadonlyMap<string, string> {
  const entries = new Map(metadata);
  // Of what came from elsewhere nothing may stand beside the message's own key.
  entries.delete(KEY_METADATA);
  entries.delete(KEY_BASE64_METADATA);
  return entries.set(...keyEntry(key));
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
  let keyName = "";
  for (const [name, entry] of Object.entries(value)) {
    // Go reads null as the empty text.
    if (typeof entry !== "string" && entry !== null) {
      throw new MillraceError(`the metadata ${JSON.stringify(name)} is not a text`, { code: "UNDECODABLE" });
    }
    if (!isKeyMetadata(name)) metadata.set(name, entry ?? "");
    else if (keyName !== KEY_BASE64_METADATA) {
      key = keyOfEntry(name, entry ?? "");
      keyName = name;
    }
  }
  return { key, metadata };
}
