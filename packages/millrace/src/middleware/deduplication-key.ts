import { PermanentError } from "../errors/index.ts";
import type { MaybePromise, Message } from "../message/index.ts";

/** Gives the key by which two messages count as the same one. */
export type DeduplicationKey = (message: Message) => MaybePromise<string>;

/** The message's id: the same for redeliveries and for a publish that was repeated. The default. */
export const keyFromId: DeduplicationKey = (message) => message.id;

/**
 * A metadata field. A message without it, or with an empty one, fails with a `PermanentError` `DEDUPLICATION_KEY_MISSING` that names
 * message and field.
 */
export function keyFromMetadata(field: string): DeduplicationKey {
  return (message) => {
    const key = message.metadata.get(field);
    if (key === undefined || key === "") {
      throw new PermanentError(`message ${message.id} has no metadata ${JSON.stringify(field)} to tell duplicates by`, { code: "DEDUPLICATION_KEY_MISSING" });
    }
    return key;
  };
}

/** SHA-256 of the whole payload, in hex: for producers that give each copy an id of its own. Asynchronous. */
export const keyFromPayload: DeduplicationKey = async (message) => {
  // The bytes may lie in shared memory by their type; the digest is defined for them all the same.
  const digest = await globalThis.crypto.subtle.digest("SHA-256", message.payload as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
};
