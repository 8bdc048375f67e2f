import { OptionError } from "../errors/index.ts";
import { wallMs } from "../internal/timers.ts";
import { dueAtOf } from "../message/due-at.ts";
import type { Message } from "../message/index.ts";
import type { Acks } from "./acks.ts";
import { Stored } from "./stored.ts";

/** The messages as they are now. Throws an `OptionError` when one of them cannot be read; then nothing was published of the others either. */
export function snapshot(messages: readonly Message[], acks: Acks | undefined): Stored[] {
  const entries: Stored[] = new Array(messages.length);
  let index = 0;
  try {
    for (; index < messages.length; index++) entries[index] = new Stored(messages[index] as Message, acks);
  } catch (error) {
    throw new OptionError("MemoryPubSub.publish", [`messages[${index}] cannot be read: ${String(error)}`], { cause: error });
  }
  return entries;
}

/** When a message with these metadata may enter its topic, in milliseconds since the epoch; 0 when it may at once. */
export function notBefore(entry: Stored): number {
  const due = entry.metadata === undefined ? undefined : dueAtOf(entry.metadata)?.getTime();
  return due !== undefined && due > wallMs() ? due : 0;
}
