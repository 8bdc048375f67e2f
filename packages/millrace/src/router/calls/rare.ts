import type { Deferred } from "../../internal/deferred.ts";
import type { TimerHandle } from "../../internal/timers.ts";
import type { Wake } from "./company.ts";
import type { OwnNack } from "./own-nack.ts";
import type { Rests } from "./rests.ts";

/** What hardly a call needs, in an object of its own: every message pays for each of a call's fields. */
export class Rare {
  /** What its redelivery is recognised by, once there may be one while it runs. */
  token: unknown = undefined;
  /** The last message that was taken in hand before its delivery was lost. */
  lostBehind = 0;
  /** When it began, on the monotonic clock; 0 where nobody observed. */
  beganMs = 0;
  lost = false;
  /** Its results were dropped, since its delivery was lost and the handler stops: it did not succeed. */
  forfeited = false;
  /** It is among those that the next batch is made of. */
  gathered = false;
  /** It is one of several in a batch that goes on, or that failed without naming it. */
  inCompany = false;
  /** It is a batch of its own. */
  alone = false;
  rests: Rests | undefined = undefined;
  ownNack: OwnNack | undefined = undefined;
  wake: Wake | undefined = undefined;
  timer: TimerHandle | undefined = undefined;
  done: Deferred<boolean> | undefined = undefined;
  followed: Promise<unknown> | undefined = undefined;
  /** Its handler was called and has ended, noticed by `followInner`: a middleware may have given up on that call. */
  ranBefore = false;
  /** The outermost middleware has ended, and the handler goes on. */
  outlived = false;

  /** Its batch has failed as a whole, now or earlier: from then on it comes alone. */
  get comesAlone(): boolean {
    return this.inCompany || this.alone;
  }
}
