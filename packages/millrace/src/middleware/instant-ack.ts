import { handedBack } from "../message/handed-back.ts";
import type { Middleware } from "../message/index.ts";

/**
 * Acks each message before its handler runs: at most once, in exchange for speed.
 *
 * A handler that fails has no effect on the message any more; `retry` inside or outside still works. The signal stays
 * open while the handler runs. When the ack does not hold, because the delivery was lost or was nacked before, the handler is not
 * called, and the call fails with `HANDED_BACK`, which counts no attempt: the message comes again, here or at another member.
 *
 * ```ts
 * import { instantAck } from "millrace/middleware";
 * router.addConsumerHandler({ name: "gauge", subscribe: "cpu", middleware: [instantAck()], handle: (m) => console.log(m.text()) });
 * ```
 */
export function instantAck(): Middleware {
  return (next) => (message) => {
    if (!message.ack()) throw handedBack("the message could not be acked: its delivery was lost, or was nacked before");
    return next(message);
  };
}
