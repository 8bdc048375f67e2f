import { wallMs } from "../internal/timers.ts";
import { dueAtOf } from "./due-at.ts";
import type { Message } from "./message.ts";
import type { Publisher } from "./publisher.ts";

/** True when the message is not due yet and the publisher is known to hold back what is due so much later. */
export function holdsBack({ capabilities }: Publisher, { metadata }: Message): boolean {
  const most = capabilities?.maxPublishDelayMs ?? 0;
  if (most <= 0) return false;
  const due = dueAtOf(metadata)?.getTime();
  const leftMs = due === undefined ? 0 : due - wallMs();
  return leftMs > 0 && leftMs <= most;
}
