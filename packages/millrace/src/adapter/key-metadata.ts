import { MillraceError } from "../errors/index.ts";
import { isBinaryKey, keyBytes, keyText } from "../message/key-bytes.ts";
import { fromBase64, toBase64 } from "./base64.ts";

// Where a broker has no place of its own for `message.key`, one more entry beside the message's metadata holds it; only where there is a key.
// On reading it becomes the key again, and is no metadata. A received message that is published again has its own key, so that of two
// such entries at most one is written: the names are ours, whoever else has written them.

/** The name of that entry. */
export const KEY_METADATA = "millrace_key";
/** Its name for a key whose bytes are no UTF-8, which metadata cannot hold: they are written as base64. Where both are there, this one holds. */
export const KEY_BASE64_METADATA = "millrace_key_base64";

export type KeyMetadata = typeof KEY_METADATA | typeof KEY_BASE64_METADATA;

/** The entry of a key. */
export function keyEntry(key: string): readonly [name: KeyMetadata, value: string] {
  return isBinaryKey(key) ? [KEY_BASE64_METADATA, toBase64(keyBytes(key))] : [KEY_METADATA, key];
}

export function isKeyMetadata(name: string): name is KeyMetadata {
  return name === KEY_METADATA || name === KEY_BASE64_METADATA;
}

/** What is written of a message: its metadata, and the entry of its key in place of any that came from elsewhere. */
export function entriesWithKey(metadata: Iterable<readonly [string, string]>, key: string | undefined): Iterable<readonly [string, string]> {
  if (key === undefined) return metadata;
  const entries: (readonly [string, string])[] = [];
  for (const entry of metadata) if (!isKeyMetadata(entry[0])) entries.push(entry);
  entries.push(keyEntry(key));
  return entries;
}

/** The key that was read: `entryOf` answers what stands under either name. Throws `MillraceError` `UNDECODABLE` for what is no base64 and should be. */
export function keyOfEntries(entryOf: (name: KeyMetadata) => string | undefined): string | undefined {
  const base64 = entryOf(KEY_BASE64_METADATA);
  if (base64 === undefined) return entryOf(KEY_METADATA)?.toWellFormed();
  const bytes = fromBase64(base64);
  if (bytes === undefined) throw new MillraceError(`${KEY_BASE64_METADATA} is no base64`, { code: "UNDECODABLE" });
  return keyText(bytes);
}
