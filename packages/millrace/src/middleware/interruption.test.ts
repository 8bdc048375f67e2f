import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { handedBack } from "../message/handed-back.ts";
import type { Handler, Middleware } from "../message/index.ts";
import { uncounted } from "../message/uncounted.ts";
import { circuitBreaker, deduplicator, delayOnError, ignoreErrors, poisonQueue, recoverer, retry, throttle, timeout } from "./index.ts";
import { ReceivedFixture, RecordingPublisher } from "./received.fixture.ts";

const lost = new MillraceError("lost", { code: "DELIVERY_LOST" });
const late = new MillraceError("not handled within 50 ms", { code: "HANDLER_TIMEOUT" });
const drained = new MillraceError("the drain is over", { code: "DRAIN_DEADLINE" });

/** What cuts a handling off from outside: the error that comes out of the handler, and the reason of the message's abort. */
const interruptions: Readonly<Record<string, { readonly error: Error; readonly reason?: Error; readonly verdict?: "lost" }>> = {
  "a lost delivery": { error: lost, reason: lost },
  "a lost delivery, as a cause": { error: new Error("fetch failed", { cause: new Error("socket", { cause: lost }) }), reason: lost },
  "the drain's deadline": { error: drained, reason: drained },
  "a batch that hands it back": { error: handedBack("an earlier one of its key failed") },
  "a circuit breaker that is open": { error: uncounted(new MillraceError("open", { code: "CIRCUIT_OPEN" })) },
  "an uncounted error, as a cause": { error: new Error("payment failed", { cause: uncounted(new Error("not now")) }) },
  "a lost delivery, of which the handler makes an error of its own": { error: new Error("the transaction is gone"), verdict: "lost" },
};

const publisher = new RecordingPublisher();
const touchy: Readonly<Record<string, Middleware>> = {
  retry: retry({ minDelayMs: 0 }),
  poisonQueue: poisonQueue({ publisher, topic: "poison" }),
  ignoreErrors: ignoreErrors(Error),
  delayOnError: delayOnError(),
  recoverer: recoverer(),
  timeout: timeout(1_000),
  deduplicator: deduplicator(),
  throttle: throttle({ count: 1_000 }),
  circuitBreaker: circuitBreaker({ readyToTrip: () => true }),
};

for (const [what, { error, reason, verdict }] of Object.entries(interruptions)) {
  describe(what, () => {
    for (const [name, middleware] of Object.entries(touchy)) {
      it(`passes through ${name} untouched`, async () => {
        for (const sync of [true, false]) {
          const fixture = new ReceivedFixture();
          if (reason !== undefined) fixture.message.abort(reason);
          if (verdict !== undefined) fixture.message.lose(lost);
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
          expect(fixture.message.redeliveryDelayMs).toBeUndefined();
          expect(publisher.calls).toBe(0);
        }
      });
    }
  });
}

describe("an error of the handler's own after a timeout further out", () => {
  for (const name of ["retry", "poisonQueue", "ignoreErrors", "delayOnError", "recoverer"]) {
    it(`passes through ${name} untouched, for the message comes again`, async () => {
      const fixture = new ReceivedFixture();
      const controller = new AbortController();
      controller.abort(late);
      const view = fixture.message.derive({ signal: controller.signal });
      const canceled = new Error("canceled");
      let calls = 0;
      const handle: Handler = () => {
        calls++;
        return Promise.reject(canceled);
      };
      await expect((async () => (touchy[name] as Middleware)(handle)(view))()).rejects.toBe(canceled);
      expect(calls).toBe(1);
      expect(fixture.verdicts).toEqual([]);
      expect(fixture.message.metadata.size).toBe(0);
      expect(fixture.message.redeliveryDelayMs).toBeUndefined();
      expect(publisher.calls).toBe(0);
    });
  }
});

describe("an error that is no interruption", () => {
  it("is a failure also when the signal has aborted for another reason", async () => {
    const { message } = new ReceivedFixture();
    message.abort(lost);
    const own = new MillraceError("sold out", { code: "SOLD_OUT" });
    await expect((async () => ignoreErrors("SOLD_OUT")(() => Promise.reject(own))(message))()).resolves.toBeUndefined();
  });
});
