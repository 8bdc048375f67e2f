import type { ReceivedMessage } from "../../message/index.ts";
import type { Call } from "./call.ts";

/**
 * By what a redelivery of a message is recognised: its place at the broker, its id only where there is none. Ids of foreign producers may
 * be empty and may repeat, so a message that has neither is never taken for another. Positions begin anew when a topic is made anew:
 * therefore the id counts as well.
 */
export function identityOf(message: ReceivedMessage): string | undefined {
  const { topic, position } = message.delivery;
  if (position !== undefined) return `${topic}\n${position}\n${message.id}`;
  return message.id === "" ? undefined : `${topic}\n\n${message.id}`;
}

/** By what a message is recognised that has not left this process: one that has neither place nor id by its content. */
export function tokenOf(call: Call): unknown {
  return identityOf(call.message) ?? call.inHand.content;
}
