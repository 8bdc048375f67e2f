import { wallMs } from "../internal/timers.ts";
import { dueAtOf } from "../message/due-at.ts";
import type { TextMap } from "../message/metadata.ts";

/** When a message with these metadata may enter its topic, in milliseconds since the epoch; 0 when it may at once. */
export function notBefore(metadata: TextMap): number {
  const due = dueAtOf(metadata)?.getTime();
  return due !== undefined && due > wallMs() ? due : 0;
}
