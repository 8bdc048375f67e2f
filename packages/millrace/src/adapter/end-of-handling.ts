import { MillraceError } from "../errors/index.ts";
import type { ReceivedMessage } from "../message/index.ts";

/** The reason of a signal that ends with its message's verdict. */
export function endOfHandling(message: ReceivedMessage): MillraceError {
  return new MillraceError(`the handling of message ${message.id} has ended`, { code: "HANDLING_ENDED" });
}
