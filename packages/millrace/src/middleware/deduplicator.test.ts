import { afterEach, describe, expect, it, vi } from "vitest";
import { OptionError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { sleep } from "../internal/timers.ts";
import { silentLogger } from "../logger/index.ts";
import { isPromise, Message } from "../message/index.ts";
import { keyFromPayload } from "./deduplication-key.ts";
import type { DeduplicationRepository } from "./deduplication-repository.ts";
import { counting, deliver, everywhere, failure, lost, SlowRepository, turn } from "./deduplicator.fixture.ts";
import { deduplicator } from "./deduplicator.ts";
import { received } from "./received.fixture.ts";
import { retry } from "./retry.ts";
import { timeout } from "./timeout.ts";

afterEach(() => void vi.useRealTimers());

describe("deduplicator", () => {
  it("handles a message once, whatever its delivery, without a promise", () => {
    for (const behind of ["call", "adapter"] as const) {
      const handler = counting();
      const chain = deduplicator()(handler.handle);
      for (let count = 0; count < 3; count++) {
        const message = received({ behind });
        expect(isPromise(chain(message))).toBe(false);
        message.ack();
      }
      chain(received({ id: "m-2", behind }));
      expect(handler.calls).toBe(2);
    }
  });

  it("handles a message once also where nothing stands behind it", async () => {
    const handler = counting();
    const chain = deduplicator()(handler.handle);
    for (let count = 0; count < 3; count++) expect(await deliver(chain, received({ behind: "nobody" }))).toBe("acked");
    expect(handler.calls).toBe(1);
  });

  it("handles a failed message again, thrown or rejected", async () => {
    for (const sync of [true, false]) {
      const handler = counting((call) => {
        if (call > 2) return undefined;
        if (sync) throw failure;
        return Promise.reject(failure);
      });
      const chain = deduplicator()(handler.handle);
      for (let count = 0; count < 2; count++) await expect((async () => chain(received()))()).rejects.toBe(failure);
      await deliver(chain);
      await deliver(chain);
      expect(handler.calls).toBe(3);
    }
  });

  it("serves several handlers with one instance, in a router and outside of one", async () => {
    const named = deduplicator();
    const one = counting();
    const three = [named(one.handle), named(one.handle), named(one.handle)];
    for (const [index, chain] of three.entries()) {
      await deliver(chain, received({ delivery: { handler: `handler ${index}` } }));
      await deliver(chain, received({ delivery: { handler: `handler ${index}` } }));
    }
    expect(one.calls).toBe(3);
    const other = counting();
    const outside = deduplicator();
    for (const chain of [outside(other.handle), outside(other.handle)]) await deliver(chain, received({ behind: "adapter", delivery: { handler: undefined } }));
    expect(other.calls).toBe(2);
  });

  it("never takes keys of two handlers for one", async () => {
    const handler = counting();
    const chain = deduplicator()(handler.handle);
    await deliver(chain, received({ id: "c", delivery: { handler: "a/b" } }));
    await deliver(chain, received({ id: "b/c", delivery: { handler: "a" } }));
    expect(handler.calls).toBe(2);
  });

  it("refuses bad options, all at once", () => {
    expect(() => deduplicator({ key: 1, repository: {}, logger: {} } as never)).toThrow(/key.*repository.*logger/);
    expect(() => deduplicator({ key: 1 as never })).toThrow(OptionError);
  });
});

describe("a message without a key", () => {
  it("passes, however many there are, also beside one that still runs", async () => {
    const gate = deferred<undefined>();
    for (const key of [undefined, () => "", () => undefined, () => null as never, async () => undefined, async () => ""]) {
      const handler = counting(() => gate.promise);
      const chain = deduplicator({ key })(handler.handle);
      const running = [1, 2, 3].map(() => deliver(chain, received({ id: "" })));
      await turn();
      expect(handler.calls).toBe(3);
      gate.resolve(undefined);
      expect(await Promise.all(running)).toEqual(["acked", "acked", "acked"]);
    }
  });

  it("is never asked for in the repository, nor recorded there", async () => {
    const repository = new SlowRepository();
    repository.error = failure;
    expect(
      await deliver(
        deduplicator({ repository })(() => undefined),
        received({ id: "" }),
      ),
    ).toBe("acked");
  });
});

describe("a deduplicator among other middleware", () => {
  it("lets the same delivery through again: retry outside, or an instance added twice", async () => {
    const failing = counting((call) => (call < 3 ? Promise.reject(failure) : undefined));
    await retry({ minDelayMs: 1 })(deduplicator()(failing.handle))(received());
    expect(failing.calls).toBe(3);
    for (const behind of everywhere) {
      const twice = deduplicator();
      const handler = counting(async () => new Message("out"));
      const chain = twice(twice(handler.handle));
      expect(await deliver(chain, received({ behind }))).toBe("acked");
      expect(await deliver(chain, received({ behind }))).toBe("acked");
      expect(handler.calls).toBe(1);
    }
  });

  it("records what a retry inside brought to success", async () => {
    const handler = counting((call) => (call < 3 ? Promise.reject(failure) : undefined));
    const chain = deduplicator()(retry({ minDelayMs: 1 })(handler.handle));
    await deliver(chain);
    await deliver(chain);
    expect(handler.calls).toBe(3);
  });

  it("takes a timeout inside for a failure, and the late success of that call for nothing", async () => {
    vi.useFakeTimers();
    const handler = counting(async () => {
      await sleep(20);
      return undefined;
    });
    const chain = deduplicator()(timeout(5)(handler.handle));
    const first = deliver(chain);
    await vi.advanceTimersByTimeAsync(30);
    expect(await first).toBe("nacked");
    const second = deliver(chain);
    await vi.advanceTimersByTimeAsync(30);
    expect(await second).toBe("nacked");
    expect(handler.calls).toBe(2);
  });

  it("follows the last attempt where a timeout and a retry outside have given up an earlier one", async () => {
    vi.useFakeTimers();
    for (const [behind, hangs] of everywhere.flatMap((each) => [[each, true] as const, [each, false] as const])) {
      const gate = deferred<undefined>();
      const handler = counting((call) => (call === 1 ? gate.promise : Promise.resolve(undefined)));
      const dedup = deduplicator();
      const chain = retry({ minDelayMs: 10, jitter: 0 })(timeout(5)(dedup(handler.handle)));
      const first = received({ behind });
      const outcome = chain(first) as Promise<unknown>;
      const duplicate = deliver(dedup(handler.handle), received({ behind })); // waits for the first attempt, which hangs
      await vi.advanceTimersByTimeAsync(15);
      expect(await outcome).toBeUndefined();
      expect(handler.calls).toBe(2);
      if (!hangs) gate.resolve(undefined); // well, but too late: nobody took its result
      await vi.advanceTimersByTimeAsync(0);
      first.ack();
      expect(await duplicate).toBe("acked");
      expect(handler.calls).toBe(2);
    }
  });
});

describe("a repository that fails", () => {
  it("fails the message with its own error when it is asked, and recovers", async () => {
    const repository = new SlowRepository();
    repository.error = failure;
    const handler = counting();
    const chain = deduplicator({ repository })(handler.handle);
    await expect(chain(received())).rejects.toBe(failure);
    expect(handler.calls).toBe(0);
    repository.error = undefined;
    await deliver(chain);
    expect(handler.calls).toBe(1);
    const throwing: DeduplicationRepository = {
      has: () => {
        throw failure;
      },
      record: () => {},
    };
    const refuses = deduplicator({ repository: throwing })(handler.handle);
    for (let count = 0; count < 2; count++) expect(() => refuses(received())).toThrow(failure);
  });

  it("is logged when it cannot record, thrown or rejected, by a logger that may throw too, and the message stays acked", async () => {
    const records = [
      () => Promise.reject(failure),
      () => {
        throw failure;
      },
    ];
    for (const record of records) {
      const lines: object[] = [];
      const warn = (fields: object): void => {
        lines.push(fields);
        throw new Error("the logger");
      };
      const repository: DeduplicationRepository = { has: () => false, record };
      const handler = counting();
      const chain = deduplicator({ repository, logger: { ...silentLogger, warn } })(handler.handle);
      expect(await deliver(chain)).toBe("acked");
      await turn();
      expect(lines).toMatchObject([{ err: failure, messageId: "m-1", topic: "orders" }]);
      await deliver(chain);
      expect(handler.calls).toBe(2);
    }
  });
});

describe("a duplicate that waits for the first", () => {
  it.each(everywhere)("goes when the handler of the first, which was acked early, has returned (behind it %s)", async (behind) => {
    const gate = deferred<undefined>();
    const handler = counting(() => gate.promise);
    const chain = deduplicator()(handler.handle);
    const first = received({ behind });
    const handled = chain(first);
    const waiting = chain(received({ behind }));
    first.ack();
    await turn(); // the verdict is known to whoever asked for it before the handler returns
    gate.resolve(undefined);
    await handled;
    await waiting;
    expect(handler.calls).toBe(1);
  });
});

describe("a key that cannot be recorded", () => {
  it("does not let a duplicate in beside another call of the same delivery", async () => {
    const recorded = deferred<void>();
    const repository: DeduplicationRepository = { has: () => false, record: () => recorded.promise };
    const gate = deferred<undefined>();
    const handler = counting((call, message) => {
      message.ack();
      return call === 2 ? gate.promise : undefined;
    });
    const chain = deduplicator({ repository, logger: silentLogger })(handler.handle);
    const message = received();
    await chain(message);
    await turn(); // it is being recorded
    void chain(message);
    recorded.reject(failure);
    await turn();
    void chain(received());
    await turn();
    expect(handler.calls).toBe(2);
  });
});

describe("what a deduplicator keeps", () => {
  it("is nothing of a message that has failed, was lost, or is recorded", async () => {
    const chain = deduplicator()((message) => (message.id === "fails" ? Promise.reject(failure) : undefined));
    const kept = await (async () => {
      const messages = ["fails", "is lost", "succeeds"].map((id) => received({ id }));
      messages[1]?.lose(lost);
      for (const message of messages) await deliver(chain, message);
      return messages.map((message) => new WeakRef(message));
    })();
    await turn();
    globalThis.gc?.();
    expect(kept.map((ref) => ref.deref()?.id)).toEqual([undefined, undefined, undefined]);
  });

  it("is nothing of a foreign message whose verdict cannot be had, and no rejection is left unhandled", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const handler = counting();
    const chain = deduplicator()(handler.handle);
    const broken = Object.defineProperty(received({ behind: "nobody" }), "settled", { value: Promise.reject(failure) });
    await chain(broken);
    await turn();
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    await deliver(chain);
    expect(handler.calls).toBe(2);
  });
});

describe("keyFromPayload", () => {
  it("hashes the whole payload with SHA-256", async () => {
    expect(await keyFromPayload(new Message("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const long = "x".repeat(1_000);
    expect(await keyFromPayload(new Message(`${long}1`))).not.toBe(await keyFromPayload(new Message(`${long}2`)));
  });
});
