import { afterEach, describe, expect, it, vi } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { Message } from "../message/index.ts";
import { keyFromMetadata, keyFromPayload } from "./deduplication-key.ts";
import { MemoryDeduplicationRepository } from "./deduplication-repository.ts";
import { counting, deliver, everywhere, failure, lost, SlowRepository, turn } from "./deduplicator.fixture.ts";
import { deduplicator } from "./deduplicator.ts";
import { callBehind, received } from "./received.fixture.ts";

afterEach(() => void vi.useRealTimers());

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
