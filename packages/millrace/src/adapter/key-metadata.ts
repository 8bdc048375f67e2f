import { MillraceError } from "../errors/index.ts";
import { isBinaryKey, keyBytes, keyText } from "../message/key-bytes.ts";
import { fromBase64, toBase64 } from "./base64.ts";

/** Where a broker has no place of its own for `message.key`, metadata of this name hold it; written only when a key is set. */
export const KEY_METADATA = "millrace_key";
/** Instead of it for a key whose bytes are no UTF-8, which metadata cannot hold: they are written as base64. */
export const KEY_BASE64_METADATA = "millrace_key_base64";

export type KeyMetadata = typeof KEY_METADATA | typeof KEY_BASE64_METADATA;

/** The metadata entry of a key. */
export function keyEntry(key: string): readonly [name: KeyMetadata, value: string] {
  return isBinaryKey(key) ? [KEY_BASE64_METADATA, toBase64(keyBytes(key))] : [KEY_METADATA, key];
}

export function isKeyMetadata(name: string): name is KeyMetadata {
  return name === KEY_METADATA || name === KEY_BASE64_METADATA;
}

/** The key that an entry of one of the two names holds. Throws `MillraceError` `UNDECODABLE` for what is no base64 and should be. */
export function keyOfEntry(name: KeyMetadata, value: string): string {
  if (name === KEY_METADATA) return value.toWellFormed();
  const bytes = fromBase64(value);
  if (bytes === undefined) throw new MillraceError(`the metadata ${name} is no base64`, { code: "UNDECODABLE" });
  return keyText(bytes);
}
