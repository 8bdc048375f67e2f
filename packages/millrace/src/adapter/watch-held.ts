import { startTimer, stopTimer, type TimerHandle } from "../internal/timers.ts";
import type { Logger } from "../logger/index.ts";
import type { InFlight } from "./in-flight.ts";
import type { Lanes } from "./lanes.ts";

const LOOK_MS = 10_000;
const LOOKS = 3;

/** Warns once about a message that is held unsettled for 30 s while others wait: most often a forgotten `ack()`. Returns the stop. */
export function watchHeld(inFlight: InFlight, lanes: Lanes, logger: Logger, topic: string): () => void {
  let seen: unknown;
  let looks = 0;
  let warned = false;
  let handle: TimerHandle;
  const look = (): void => {
    const oldest = inFlight.oldest;
    if (oldest !== seen) {
      looks = 0;
      warned = false;
    } else looks++;
    seen = oldest;
    if (looks >= LOOKS && !warned && oldest !== undefined && lanes.held > 0) {
      warned = true;
      logger.warn({ topic, id: oldest.id, waiting: lanes.held }, "a message is held unsettled for 30 s while others wait: was ack() forgotten?");
    }
    handle = startTimer(look, LOOK_MS, true);
  };
  handle = startTimer(look, LOOK_MS, true);
  return () => stopTimer(handle);
}
