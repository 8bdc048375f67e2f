import { afterEach, describe, expect, it, vi } from "vitest";
import { MillraceError, OptionError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { sleep } from "../internal/timers.ts";
import { silentLogger } from "../logger/index.ts";
import { type Handler, isPromise, type MaybePromise, Message, type Middleware } from "../message/index.ts";
import { keyFromMetadata, keyFromPayload } from "./deduplication-key.ts";
import { type DeduplicationRepository, MemoryDeduplicationRepository } from "./deduplication-repository.ts";
import { deduplicator } from "./deduplicator.ts";
import { type Behind, callBehind, type FixtureMessage, received } from "./received.fixture.ts";
import { retry } from "./retry.ts";
import { timeout } from "./timeout.ts";

afterEach(() => void vi.useRealTimers());

const failure = new Error("boom");
const lost = new MillraceError("lost", { code: "DELIVERY_LOST" });
const everywhere: readonly Behind[] = ["call", "adapter", "nobody"];

function counting(run: (call: number, message: FixtureMessage) => MaybePromise<Message | undefined> = () => undefined) {
  const counted = { calls: 0, handle: ((message) => run(++counted.calls, message as FixtureMessage)) as Handler };
  return counted;
}

/** Hands a message in as a router does: acks it when the chain succeeds, nacks it when it fails. */
async function deliver(chain: Handler, message = received()): Promise<"acked" | "nacked" | "lost"> {
  try {
    await chain(message);
    message.ack();
  } catch {
    message.nack();
  }
  return await message.settled;
}

/** All that follows from what was done so far, without time going on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class SlowRepository implements DeduplicationRepository {
  readonly keys = new Set<string>();
  error: unknown = undefined;
  async has(key: string): Promise<boolean> {
    await Promise.resolve();
    if (this.error !== undefined) throw this.error;
    return this.keys.has(key);
  }
  async record(key: string): Promise<void> {
    await Promise.resolve();
    if (this.error !== undefined) throw this.error;
    this.keys.add(key);
  }
}

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

describe("a duplicate", () => {
  it("is dropped as soon as the first is acked, in the same turn, results or none", async () => {
    for (const produced of [undefined, new Message("out")]) {
      const handler = counting(async () => produced);
      const chain = deduplicator()(handler.handle);
      const first = received();
      expect(await chain(first)).toBe(produced);
      first.ack();
      expect(chain(received())).toBeUndefined();
      expect(handler.calls).toBe(1);
    }
  });

  it("is dropped after an early ack, when the handler has returned", async () => {
    const handler = counting((_call, message) => {
      message.ack();
      return new Message("out");
    });
    const chain = deduplicator()(handler.handle);
    await chain(received());
    expect(chain(received())).toBeUndefined();
    await turn();
    expect(chain(received())).toBeUndefined();
    expect(handler.calls).toBe(1);
  });

  it("waits for the first, and is dropped when that is acked", async () => {
    for (const behind of everywhere) {
      const gate = deferred<undefined>();
      const handler = counting(() => gate.promise);
      const chain = deduplicator()(handler.handle);
      const both = [deliver(chain, received({ behind })), deliver(chain, received({ behind }))];
      gate.resolve(undefined);
      expect(await Promise.all(both)).toEqual(["acked", "acked"]);
      expect(handler.calls).toBe(1);
    }
  });

  it("waits while the results of the first are under way", async () => {
    for (const published of [true, false]) {
      const handler = counting(() => new Message("out"));
      const chain = deduplicator()(handler.handle);
      const first = received();
      chain(first);
      const duplicate = chain(received());
      await turn();
      expect(handler.calls).toBe(1);
      if (published) first.ack();
      else first.nack();
      expect(await duplicate).toEqual(published ? undefined : expect.any(Message));
      expect(handler.calls).toBe(published ? 1 : 2);
    }
  });

  it("takes over, one of several, when the first fails", async () => {
    const gate = deferred<undefined>();
    const handler = counting((call) => (call === 1 ? gate.promise : Promise.resolve(undefined)));
    const chain = deduplicator()(handler.handle);
    const three = [deliver(chain), deliver(chain), deliver(chain)];
    gate.reject(failure);
    expect(await Promise.all(three)).toEqual(["nacked", "acked", "acked"]);
    expect(handler.calls).toBe(2);
  });

  it("takes over when the first is lost while its handler hangs", async () => {
    for (const behind of everywhere) {
      const handler = counting((call) => (call === 1 ? new Promise(() => {}) : undefined));
      const chain = deduplicator()(handler.handle);
      const first = received({ behind });
      void chain(first);
      const duplicate = deliver(chain, received({ behind }));
      first.lose(lost);
      expect(await duplicate).toBe("acked");
      expect(handler.calls).toBe(2);
    }
  });

  it("rests while it waits: time limits stand still, and a drain hands it back", async () => {
    const handler = counting(() => new Promise(() => {}));
    const chain = deduplicator()(handler.handle);
    void chain(received());
    const duplicate = received();
    const outcome = chain(duplicate) as Promise<unknown>;
    const call = callBehind(duplicate);
    expect(call.resting).toBe(true);
    const back = call.drain();
    await expect(outcome).rejects.toBe(back);
    expect([call.resting, handler.calls]).toEqual([false, 1]);
  });

  it("ends its wait when its own signal aborts", async () => {
    for (const behind of everywhere) {
      const chain = deduplicator()(() => new Promise(() => {}));
      void chain(received());
      const waiting = received({ behind });
      const outcome = expect(chain(waiting)).rejects.toBe(lost);
      waiting.lose(lost);
      await outcome;
    }
  });

  it("is found in a slow repository, and nobody gets between asking and recording", async () => {
    const repository = new SlowRepository();
    const handler = counting(async () => undefined);
    const chain = deduplicator({ repository })(handler.handle);
    await Promise.all([deliver(chain), deliver(chain), deliver(chain)]);
    await deliver(chain);
    await Promise.all([deliver(chain), deliver(chain)]); // the second waits for what the first is told
    expect(handler.calls).toBe(1);
    expect([...repository.keys]).toEqual(["charge/m-1"]);
  });

  it("is found when another instance with the same repository has handled the first", async () => {
    const repository = new MemoryDeduplicationRepository();
    const handler = counting();
    await deliver(deduplicator({ repository })(handler.handle));
    await deliver(deduplicator({ repository })(handler.handle));
    expect(handler.calls).toBe(1);
  });

  it("does not make its key be remembered for longer", async () => {
    vi.useFakeTimers();
    const handler = counting();
    const chain = deduplicator({ repository: new MemoryDeduplicationRepository({ windowMs: 100 }) })(handler.handle);
    await deliver(chain);
    vi.advanceTimersByTime(60);
    await deliver(chain);
    vi.advanceTimersByTime(60);
    await deliver(chain);
    expect(handler.calls).toBe(2);
  });

  it("is one at the second of two handlers, though the first had acked it early", async () => {
    const handler = counting((_call, message) => {
      message.ack();
      return undefined;
    });
    const shared = deduplicator();
    const [first, second] = [shared(handler.handle), shared(handler.handle)];
    const unnamed = { behind: "adapter", delivery: { handler: undefined } } as const;
    const message = received(unnamed);
    await deliver(first, message);
    await deliver(second, received(unnamed));
    await deliver(second, message);
    expect(handler.calls).toBe(2);
  });

  it("waits for a handler that has acked early, and takes over when it fails after all", async () => {
    const gate = deferred<undefined>();
    const handler = counting((call, message) => {
      message.ack();
      return call === 1 ? gate.promise : undefined;
    });
    const chain = deduplicator()(handler.handle);
    const both = [deliver(chain), deliver(chain)];
    await turn();
    expect(handler.calls).toBe(1);
    gate.reject(failure);
    await Promise.all(both);
    expect(handler.calls).toBe(2);
  });

  it("is told by its payload", async () => {
    const handler = counting();
    const chain = deduplicator({ key: keyFromPayload })(handler.handle);
    for (let count = 0; count < 6; count++) await deliver(chain, received({ id: `a-${count}`, payload: "same" }));
    for (let count = 0; count < 2; count++) await deliver(chain, received({ id: `b-${count}`, payload: "other" }));
    expect(handler.calls).toBe(2);
  });

  it("is told by a metadata field, and a message without it is refused for good", async () => {
    const handler = counting();
    const chain = deduplicator({ key: keyFromMetadata("order_id") })(handler.handle);
    await deliver(chain, received({ id: "1", metadata: { order_id: "o" } }));
    await deliver(chain, received({ id: "2", metadata: { order_id: "o" } }));
    expect(handler.calls).toBe(1);
    const missing = expect.objectContaining({ name: "PermanentError", code: "DEDUPLICATION_KEY_MISSING", message: expect.stringMatching(/m-1.*"order_id"/) });
    expect(() => chain(received())).toThrow(missing);
    expect(() => chain(received({ metadata: { order_id: "" } }))).toThrow(missing);
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
