import type { MessageDoors } from "../message/doors.ts";
import type { ReceivedMessage, Verdict } from "../message/index.ts";

/** The verdict that a message has already, without waiting for one. */
export function earlyVerdict(message: ReceivedMessage): Promise<Verdict | undefined> {
  const { verdict } = message as ReceivedMessage & MessageDoors;
  // A foreign message has no such door; its `settled` wins this race when it has resolved before.
  return verdict === undefined ? Promise.race([message.settled, Promise.resolve(undefined)]) : Promise.resolve(verdict);
}
