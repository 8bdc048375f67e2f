import { MillraceError } from "../errors/index.ts";
import { uncounted } from "./uncounted.ts";

const CODE = "HANDED_BACK";

/**
 * The outcome of a message that did nothing wrong but has to be handled again later: an earlier one of its key failed, the router
 * drains, the delivery is gone. It is no failure: middleware that counts, retries or dead-letters failures lets it pass.
 */
export function handedBack(why: string, cause?: unknown): MillraceError {
  return uncounted(new MillraceError(why, { code: CODE, retryable: true, cause }));
}

export function isHandedBack(error: unknown): boolean {
  return MillraceError.is(error) && error.code === CODE;
}
