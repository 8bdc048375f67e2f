import { MillraceError } from "../errors/index.ts";
import { inHandOf } from "./in-hand.ts";
import type { ReceivedMessage } from "./received-message.ts";
import { isUncounted } from "./uncounted.ts";

const LONGEST_CHAIN = 8;

/**
 * True when the handling was cut off from outside rather than failed: the delivery is lost, whatever its handler makes of that; or the
 * error is marked as uncounted (handed back, turned away by a circuit breaker); or it is, or was caused by, the reason of the message's own
 * abort (the drain's deadline, a timeout further out). What becomes of such a message is decided outside already; it is no poison, and
 * trying again is useless. A timeout further in never aborts this signal, so it is a failure.
 */
export function isInterruption(error: unknown, message: ReceivedMessage): boolean {
  if (isUncounted(error) || inHandOf(message)?.verdict === "lost") return true;
  // Looking at the signal would create it, so look at the error first: only a Millrace error, or one with a cause, can be the abort.
  if (!MillraceError.is(error) && typeof (error as { cause?: unknown } | null | undefined)?.cause !== "object") return false;
  const { aborted, reason } = message.signal;
  if (!aborted || !MillraceError.is(reason)) return false;
  for (let link = error, depth = 0; depth < LONGEST_CHAIN && typeof link === "object" && link !== null; depth++) {
    if (link === reason) return true;
    link = (link as { cause?: unknown }).cause;
  }
  return false;
}
