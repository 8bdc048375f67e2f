import { Ring } from "../internal/ring.ts";
import { stopTimer, type TimerHandle } from "../internal/timers.ts";
import type { Received } from "./received.ts";

/** Messages of one key: at most `depth` of them are out (ready or handed out; of the only lane of a subscription: handed out), the others wait in order of arrival. */
export class Lane {
  readonly key: string | undefined;
  readonly waiting: Ring<Received> = new Ring();
  out = 0;
  /** A failed message waits for its next attempt; until then nothing of the lane is handed out. */
  stalled = false;
  timer: TimerHandle | undefined = undefined;
  /** After a failure nothing is handed out until all that was out with it is settled or back, so that the order holds. */
  gathering = false;
  /** Some that wait may not be handed out before a moment of their own. */
  dated = false;

  constructor(key: string | undefined) {
    this.key = key;
  }

  /** One more of it may be out. */
  mayGo(depth: number): boolean {
    return this.out < depth && !this.stalled && !this.gathering;
  }

  get idle(): boolean {
    return this.out === 0 && this.waiting.size === 0 && !this.stalled;
  }

  /** Puts a message back in its place among those that wait, nearly always the front. */
  putBack(message: Received): void {
    if (message.notBeforeMs > 0) this.dated = true;
    const later: Received[] = [];
    while ((this.waiting.peek()?.sequence ?? Infinity) < message.sequence) later.push(this.waiting.shift() as Received);
    this.waiting.unshift(message);
    while (later.length > 0) this.waiting.unshift(later.pop() as Received);
  }

  /** Nothing of it waits any more. What is out is waited for all the same, should it be gathering. */
  clear(): void {
    stopTimer(this.timer);
    this.timer = undefined;
    this.stalled = false;
    this.dated = false;
    this.waiting.clear();
  }
}
