import { MillraceError } from "../errors/index.ts";
import { monotonicMs } from "../internal/timers.ts";
import { callOf } from "../message/in-hand.ts";
import { isPromise, type MaybePromise, type Middleware, type Produced, type ReceivedMessage } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import { Allowance } from "./allowance.ts";

/** A middleware that tells the router its time limit, so that one above the broker's own is refused when the handler starts. */
export interface TimeoutMiddleware extends Middleware {
  readonly timeLimitMs: number;
}

/** One for all: an error of its own per message would cost more than the whole call of a small handler. */
const ENDED: MillraceError = new MillraceError("the handling of this message has ended", { code: "HANDLING_ENDED" });

/**
 * Gives each call of an asynchronous handler at most `limitMs` milliseconds.
 *
 * When the time is over, the `signal` of the message that the handler was given aborts with a `MillraceError` `HANDLER_TIMEOUT`,
 * and the call fails with the same error, whether or not the handler listens. A handler that does not listen goes on running;
 * its late result is dropped, and a router hands the message out again only when it has ended, or was abandoned. The signal of the
 * message outside is untouched, so `retry` outside gives each attempt the full time and a fresh signal. A synchronous handler cannot be
 * interrupted: its result stands. When the call has ended in time, the signal it was given aborts with code `HANDLING_ENDED`, so that
 * nothing it left behind goes on for ever.
 *
 * In a router the limit is for work, not for waiting: while the message waits for its batch, for the turn of a `throttle` further in, or
 * for an earlier call of itself to end, the clock stands still. The backoff of a `retry` further in counts. Without a router all time counts.
 *
 * The limit must not be above the broker's own (`capabilities.maxHandlingMs`): the router checks it.
 *
 * ```ts
 * import { retry, timeout } from "millrace/middleware";
 * router.addMiddleware(retry({ maxRetries: 3 }), timeout(5_000)); // five seconds for each of four attempts
 * ```
 */
export function timeout(limitMs: number): TimeoutMiddleware {
  new OptionCheck("timeout").required("limitMs", limitMs).duration("limitMs", limitMs, { min: 1 }).done();

  const middleware: Middleware = (next) => (message) => {
    const controller = new AbortController();
    const began = monotonicMs();
    let result: MaybePromise<Produced>;
    try {
      result = next(message.derive({ signal: controller.signal }));
    } catch (error) {
      controller.abort(ENDED);
      throw error;
    }
    if (isPromise(result)) return limited(result, message, controller, limitMs, began);
    controller.abort(ENDED);
    return result;
  };
  return Object.assign(middleware, { timeLimitMs: limitMs } as const);
}

function limited(result: Promise<Produced>, message: ReceivedMessage, controller: AbortController, limitMs: number, began: number): Promise<Produced> {
  return new Promise((resolve, reject) => {
    const outer = message.signal;
    const call = callOf(message);
    const follow = (): void => {
      controller.abort(outer.reason);
    };
    const leave = (): void => {
      allowance.end();
      noRest?.();
      outer.removeEventListener("abort", follow);
    };
    const allowance = new Allowance(limitMs - (monotonicMs() - began), () => {
      leave();
      const late = new MillraceError(`${nameOf(message)} was not handled within ${limitMs} ms`, { code: "HANDLER_TIMEOUT", retryable: true });
      controller.abort(late);
      reject(late);
    });
    const noRest = call?.onRest(() => (call.resting ? allowance.stand() : allowance.go()));
    if (call?.resting !== true) allowance.go();
    if (outer.aborted) follow();
    else outer.addEventListener("abort", follow, { once: true });
    result.then(
      (produced) => {
        leave();
        controller.abort(ENDED);
        resolve(produced);
      },
      (error) => {
        leave();
        controller.abort(ENDED);
        reject(error);
      },
    );
  });
}

function nameOf({ id, delivery: { topic, position } }: ReceivedMessage): string {
  return `message ${id || position || "without id"} of topic ${topic}`;
}
