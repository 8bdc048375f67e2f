import { describe, expect, it } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { isPromise, Message, type Middleware } from "../message/index.ts";
import { counting, deliver, everywhere, failure, lost, turn } from "./deduplicator.fixture.ts";
import { deduplicator } from "./deduplicator.ts";
import { type FixtureMessage, received } from "./received.fixture.ts";
import { retry } from "./retry.ts";

describe("a message that is no duplicate of itself", () => {
  for (const behind of everywhere) {
    for (const produced of [undefined, new Message("out")]) {
      const what = `${produced === undefined ? "without" : "with"} results, behind it ${behind}`;

      it(`is handled again after a nack that came while its results were under way: ${what}`, async () => {
        const handler = counting(() => produced);
        const chain = deduplicator()(handler.handle);
        const first = received({ behind });
        expect(chain(first)).toBe(produced);
        first.nack({ delayMs: 0 });
        // Handed out again in the same turn, before anybody who waits for the verdict was told of it.
        const again = chain(received({ behind }));
        if (behind !== "nobody") expect(isPromise(again)).toBe(false);
        expect(await again).toBe(produced);
        expect(handler.calls).toBe(2);
      });

      it(`is handled again when its handler nacked it and returned: ${what}`, async () => {
        const handler = counting((call, message) => {
          if (call === 1) message.nack({ delayMs: 0 });
          return produced;
        });
        const chain = deduplicator()(handler.handle);
        expect(await deliver(chain, received({ behind }))).toBe("nacked");
        expect(await deliver(chain, received({ behind }))).toBe("acked");
        expect(handler.calls).toBe(2);
      });

      it(`is handled again when its delivery was lost: ${what}`, async () => {
        const handler = counting(() => produced);
        const chain = deduplicator()(handler.handle);
        const first = received({ behind });
        void chain(first);
        first.lose(lost);
        expect(await chain(received({ behind }))).toBe(produced);
        expect(handler.calls).toBe(2);
      });
    }

    it(`is handled again when it was nacked in vain, as its delivery was lost, and the handler returned: behind it ${behind}`, async () => {
      const handler = counting((call, message) => {
        if (call > 1) return undefined;
        message.lose(lost);
        expect(message.nack()).toBe(false);
        return undefined;
      });
      const chain = deduplicator()(handler.handle);
      expect(await deliver(chain, received({ behind }))).toBe("lost");
      expect(await deliver(chain, received({ behind }))).toBe("acked");
      expect(handler.calls).toBe(2);
    });
  }

  it("is handled again while a run of it goes on that was given up: lost, or handed back at the drain's deadline", async () => {
    for (const give of [(message: FixtureMessage) => message.lose(lost), (message: FixtureMessage) => void message.nack({ uncounted: true })]) {
      const gate = deferred<undefined>();
      const handler = counting((call) => (call === 1 ? gate.promise : undefined));
      const chain = deduplicator()(handler.handle);
      const first = received();
      const outlives = chain(first);
      give(first);
      const again = received();
      expect(chain(again)).toBeUndefined();
      expect(handler.calls).toBe(2);
      // The old run ends, well by its own account: it records nothing, and takes nothing away from the new one.
      first.nack();
      gate.resolve(undefined);
      await outlives;
      await turn();
      again.nack();
      expect(chain(received())).toBeUndefined();
      expect(handler.calls).toBe(3);
    }
  });

  it("is handled again after an ack that was given early, when the handler failed then", async () => {
    const handler = counting((call, message) => {
      message.ack();
      if (call === 1) throw failure;
      return undefined;
    });
    const chain = deduplicator()(handler.handle);
    for (let count = 0; count < 3; count++) await deliver(chain);
    expect(handler.calls).toBe(2);
  });

  it("is handled again after a nack that came too late behind an ack", async () => {
    const handler = counting((_call, message) => {
      message.ack();
      message.nack();
      return undefined;
    });
    const chain = deduplicator()(handler.handle);
    await deliver(chain);
    await deliver(chain);
    expect(handler.calls).toBe(2);
  });

  it("is handled again, acked early or not, when something between a retry and the deduplicator failed", async () => {
    for (const behind of everywhere) {
      for (const early of [true, false]) {
        const handler = counting((_call, message) => {
          if (early) message.ack();
          return undefined;
        });
        let commits = 0;
        const commit: Middleware = (next) => async (message) => {
          const produced = await next(message);
          if (++commits === 1) throw failure;
          return produced;
        };
        const chain = retry({ minDelayMs: 0 })(commit(deduplicator()(handler.handle)));
        expect(await deliver(chain, received({ behind }))).toBe("acked");
        expect([commits, handler.calls]).toEqual([2, 2]);
        await deliver(chain, received({ behind }));
        expect(handler.calls).toBe(2);
      }
    }
  });

  it("is not recorded when the router took its call for failed: the ack was that of a dead letter", async () => {
    const handler = counting(() => new Message("out"));
    const chain = deduplicator()(handler.handle);
    const first = received();
    chain(first);
    first.failed = true; // what the handler gave back could not be published
    first.ack();
    await turn();
    expect(chain(received())).toBeInstanceOf(Message);
    expect(handler.calls).toBe(2);
  });
});
