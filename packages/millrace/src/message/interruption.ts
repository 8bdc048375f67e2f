import { MillraceError } from "../errors/index.ts";
import { inHandOf } from "./in-hand.ts";
import type { ReceivedMessage } from "./received-message.ts";
import { isUncounted } from "./uncounted.ts";

const LONGEST_CHAIN = 8;

/**
 * True when the handling was cut off from outside rather than failed: the delivery is lost, whatever its handler makes of that; or the
 * error is marked as uncounted (handed back, turned away by a circuit breaker); or it is, or was caused by, the reason of the message's own
 * abort (the drain's deadline); or a timeout further out has given up on the handling, whatever error came of that. What becomes of such a
 * message is decided outside already; it is no poison, and trying again is useless. A timeout further in never aborts this signal, so it is
 * a failure.
 */
export function isInterruption(error: unknown, message: ReceivedMessage): boolean {
  const inHand: object | undefined = inHandOf(message);
  if (isUncounted(error) || inHandOf(message)?.verdict === "lost") return true;
  // Looking at the signal would create it. Of a message as it was handed out it matters only for an error that can be the abort: a Millrace
  // error, or one with a cause. A view has a signal of its own, which may be that of a timeout.
  const maybeAbort = MillraceError.is(error) || typeof (error as { cause?: unknown } | null | undefined)?.cause === "object";
  if (!maybeAbort && inHand === message) return false;
  const { aborted, reason } = message.signal;
  if (!aborted || !MillraceError.is(reason)) return false;
  if (reason.code === "HANDLER_TIMEOUT") return true;
  for (let link = error, depth = 0; depth < LONGEST_CHAIN && typeof link === "object" && link !== null; depth++) {
    if (link === reason) return true;
    link = (link as { cause?: unknown }).cause;
  }
  return false;
}
