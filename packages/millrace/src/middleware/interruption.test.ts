import { describe, expect, it, vi } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { handedBack } from "../message/handed-back.ts";
import type { Handler, Middleware } from "../message/index.ts";
import { circuitBreaker, delayOnError, ignoreErrors, poisonQueue, retry } from "./index.ts";
import { ReceivedFixture, RecordingPublisher } from "./received.fixture.ts";

const lost = new MillraceError("lost", { code: "DELIVERY_LOST" });
const drained = new MillraceError("the drain is over", { code: "DRAIN_DEADLINE" });

/** What cuts a handling off from outside: the error that comes out of the handler, and the reason of the message's abort. */
const interruptions: Readonly<Record<string, { readonly error: Error; readonly reason?: Error }>> = {
  "a lost delivery": { error: lost, reason: lost },
  "a lost delivery, as a cause": { error: new Error("fetch failed", { cause: new Error("socket", { cause: lost }) }), reason: lost },
  "the drain's deadline": { error: drained, reason: drained },
  "a batch that hands it back": { error: handedBack("an earlier one of its key failed") },
};

const publisher = new RecordingPublisher();
const touchy: Readonly<Record<string, Middleware>> = {
  retry: retry({ minDelayMs: 0 }),
  poisonQueue: poisonQueue({ publisher, topic: "poison" }),
  ignoreErrors: ignoreErrors(Error),
  delayOnError: delayOnError(),
};

for (const [what, { error, reason }] of Object.entries(interruptions)) {
  describe(what, () => {
    for (const [name, middleware] of Object.entries(touchy)) {
      it(`passes through ${name} untouched`, async () => {
        for (const sync of [true, false]) {
          const fixture = new ReceivedFixture();
          if (reason !== undefined) fixture.message.end(reason);
          let calls = 0;
          const handle: Handler = () => {
            calls++;
            if (sync) throw error;
            return Promise.reject(error);
          };
          await expect((async () => middleware(handle)(fixture.message))()).rejects.toBe(error);
          expect(calls).toBe(1);
          expect(fixture.verdicts).toEqual([]);
          expect(fixture.message.metadata.size).toBe(0);
          expect(publisher.calls).toBe(0);
        }
      });
    }
  });
}

describe("an error that is no interruption", () => {
  it("is a failure also when the signal has aborted for another reason", async () => {
    const { message } = new ReceivedFixture();
    message.end(lost);
    const own = new MillraceError("sold out", { code: "SOLD_OUT" });
    await expect((async () => ignoreErrors("SOLD_OUT")(() => Promise.reject(own))(message))()).resolves.toBeUndefined();
  });
});

describe("a circuit breaker", () => {
  it("takes a message handed back for neither success nor failure", async () => {
    vi.useFakeTimers();
    const chain = circuitBreaker({ timeoutMs: 50, readyToTrip: ({ consecutiveFailures }) => consecutiveFailures > 1 });
    const outcome = async (handle: Handler): Promise<unknown> => {
      try {
        return await chain(handle)(new ReceivedFixture().message);
      } catch (error) {
        return (error as MillraceError).code;
      }
    };
    const back: Handler = () => Promise.reject(handedBack("later"));
    const fails: Handler = () => Promise.reject(lost);
    for (let count = 0; count < 5; count++) expect(await outcome(back)).toBe("HANDED_BACK");
    expect(await outcome(fails)).toBe("DELIVERY_LOST");
    expect(await outcome(back)).toBe("HANDED_BACK");
    expect(await outcome(fails)).toBe("DELIVERY_LOST");
    expect(await outcome(fails)).toBe("CIRCUIT_OPEN");
    vi.advanceTimersByTime(50);
    // Half-open: a message handed back leaves the place for the one that tells.
    expect(await outcome(back)).toBe("HANDED_BACK");
    expect(await outcome(async () => undefined)).toBeUndefined();
    expect(await outcome(fails)).toBe("DELIVERY_LOST");
    vi.useRealTimers();
  });
});
