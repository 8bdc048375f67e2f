import { MillraceError } from "../errors/index.ts";
import { isHandedBack } from "./handed-back.ts";
import type { ReceivedMessage } from "./received-message.ts";

/**
 * True when the handling was cut off from outside rather than failed: the message is handed back, or the error is, or was caused
 * by, the reason of the message's own abort (delivery lost, the drain's deadline, a timeout further out). What becomes of such a message is decided outside
 * already; it is no poison, and trying again is useless. A timeout further in never aborts this signal, so it is a failure.
 */
export function isInterruption(error: unknown, message: ReceivedMessage): boolean {
  if (isHandedBack(error)) return true;
  // Looking at the signal would create it, so look at the error first: only a Millrace error, or one with a cause, can be the abort.
  if (!MillraceError.is(error) && typeof (error as { cause?: unknown } | null | undefined)?.cause !== "object") return false;
  const { aborted, reason } = message.signal;
  if (!aborted || !MillraceError.is(reason)) return false;
  for (let link = error, depth = 0; depth < 8 && typeof link === "object" && link !== null; depth++) {
    if (link === reason) return true;
    link = (link as { cause?: unknown }).cause;
  }
  return false;
}
