import { MillraceError } from "../errors/index.ts";
import type { Middleware, ReceivedMessage } from "../message/index.ts";
import { type CircuitBreakerOptions, circuitBreaker } from "./circuit-breaker.ts";
import { received } from "./received.fixture.ts";

export const failure: Error = new Error("boom");

interface Tools {
  readonly breaker: Middleware;
  readonly call: (fails: boolean, message?: ReceivedMessage) => string;
  readonly times: (count: number, fails: boolean) => string[];
  readonly calls: () => number;
}

/** Calls through one breaker; each tells `ok`, `fails`, or the code it was turned away with. */
export function setUp(options: CircuitBreakerOptions = {}): Tools {
  let calls = 0;
  const breaker = circuitBreaker(options);
  const call = (fails: boolean, message: ReceivedMessage = received()): string => {
    try {
      breaker(() => {
        calls++;
        if (fails) throw failure;
      })(message);
      return "ok";
    } catch (error) {
      return error === failure ? "fails" : MillraceError.is(error) ? error.code : "?";
    }
  };
  const times = (count: number, fails: boolean): string[] => Array.from({ length: count }, () => call(fails));
  return { breaker, call, times, calls: () => calls };
}
