import type { Logger } from "../logger/index.ts";
import type { ReceivedMessage } from "./received-message.ts";
import type { OrderBy } from "./subscriber.ts";

/** A user's `orderBy` that cannot bring down who delivers: where it throws, the message's own key stands in, and the failure is logged. */
export function safeOrder(orderBy: Exclude<OrderBy, "none">, topic: string, logger: Logger): (message: ReceivedMessage) => string | undefined {
  return (message) => {
    try {
      return orderBy(message) ?? undefined;
    } catch (error) {
      logger.error({ topic, id: message.id, error }, "orderBy failed, the message is ordered by its key");
      return message.key;
    }
  };
}
