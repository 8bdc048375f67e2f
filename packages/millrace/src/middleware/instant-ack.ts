import { handedBack } from "../message/handed-back.ts";
import { callOf } from "../message/in-hand.ts";
import type { Middleware, ReceivedMessage } from "../message/index.ts";
import { errorText } from "./failed-too.ts";

/**
 * Acks each message before its handler runs: at most once, in exchange for speed.
 *
 * A handler that fails has no effect on the message any more; `retry` inside or outside still works. The signal stays
 * open while the handler runs. When the ack does not hold, because the delivery was lost or was nacked before, or throws, as that of a foreign
 * client without a connection may, the handler is not called, and the call fails with `HANDED_BACK`, which counts no attempt: the message
 * comes again, here or at another member. A router takes the subscription for broken when the ack throws, and subscribes again.
 *
 * ```ts
 * import { instantAck } from "millrace/middleware";
 * router.addConsumerHandler({ name: "gauge", subscribe: "cpu", middleware: [instantAck()], handle: (m) => console.log(m.text()) });
 * ```
 */
export function instantAck(): Middleware {
  return (next) => (message) => {
    if (!ack(message)) throw handedBack("the message could not be acked: its delivery was lost, or was nacked before");
    return next(message);
  };
}

function ack(message: ReceivedMessage): boolean {
  try {
    return message.ack();
  } catch (error) {
    callOf(message)?.onBroken?.(error);
    throw handedBack(`the message could not be acked: ${errorText(error)}`, error);
  }
}
