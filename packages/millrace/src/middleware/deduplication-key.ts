import { PermanentError } from "../errors/index.ts";
import type { MaybePromise, Message } from "../message/index.ts";

/** Gives the key by which two messages count as the same one. A message for which it gives `undefined` or `""` has no duplicates: it passes. */
export type DeduplicationKey = (message: Message) => MaybePromise<string | undefined>;

/**
 * The message's id: the same for redeliveries and for a publish that was repeated. The default. Messages without an id, as many foreign
 * producers send them, pass.
 */
export const keyFromId: DeduplicationKey = (message) => message.id;

/**
 * A metadata field that every message must have. One without it, or with an empty one, fails with a `PermanentError`
 * `DEDUPLICATION_KEY_MISSING` that names message and field. To let such messages pass, give `(message) => message.metadata.get(field)`.
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
