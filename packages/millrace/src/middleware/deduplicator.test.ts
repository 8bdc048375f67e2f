import { describe, expect, it } from "vitest";
import { MillraceError, OptionError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { silentLogger } from "../logger/index.ts";
import { type Handler, isPromise, type MaybePromise, Message } from "../message/index.ts";
import { keyFromMetadata, keyFromPayload } from "./deduplication-key.ts";
import { type DeduplicationRepository, MemoryDeduplicationRepository } from "./deduplication-repository.ts";
import { deduplicator } from "./deduplicator.ts";
import { received } from "./received.fixture.ts";
import { retry } from "./retry.ts";

const failure = new Error("boom");

function counting(run: (call: number) => MaybePromise<Message | undefined> = () => undefined) {
  const counted = { calls: 0, handle: ((_message) => run(++counted.calls)) as Handler };
  return counted;
}

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
    const handler = counting();
    const chain = deduplicator()(handler.handle);
    for (let count = 0; count < 3; count++) expect(isPromise(chain(received()))).toBe(false);
    chain(received({ id: "m-2" }));
    expect(handler.calls).toBe(2);
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
      await chain(received());
      await chain(received());
      expect(handler.calls).toBe(3);
    }
  });

  it("records a message with results only when it is acked: refused results are made again", async () => {
    const handler = counting(() => new Message("out"));
    const chain = deduplicator()(handler.handle);
    const first = received();
    expect(chain(first)).toBeInstanceOf(Message);
    expect(chain(received())).toBeUndefined(); // a duplicate, while the results of the first are under way
    first.nack(); // they could not be published
    await first.settled;
    await Promise.resolve();
    const second = received();
    expect(chain(second)).toBeInstanceOf(Message);
    second.ack();
    await second.settled;
    await Promise.resolve();
    expect(chain(received())).toBeUndefined();
    expect(handler.calls).toBe(2);
  });

  it("forgets a message with results whose delivery was lost", async () => {
    const handler = counting(() => new Message("out"));
    const chain = deduplicator()(handler.handle);
    const first = received();
    chain(first);
    first.lose(new MillraceError("lost", { code: "DELIVERY_LOST" }));
    await first.settled;
    await Promise.resolve();
    expect(chain(received())).toBeInstanceOf(Message);
  });

  it("serves several handlers with one instance, in a router and outside of one", () => {
    const named = deduplicator();
    const one = counting();
    const three = [named(one.handle), named(one.handle), named(one.handle)];
    for (const [index, chain] of three.entries()) {
      chain(received({ delivery: { handler: `handler ${index}` } }));
      chain(received({ delivery: { handler: `handler ${index}` } }));
    }
    expect(one.calls).toBe(3);
    const other = counting();
    const outside = deduplicator();
    for (const chain of [outside(other.handle), outside(other.handle)]) chain(received({ delivery: { handler: undefined } }));
    expect(other.calls).toBe(2);
  });

  it("never takes keys of two handlers for one", () => {
    const handler = counting();
    const chain = deduplicator()(handler.handle);
    chain(received({ id: "c", delivery: { handler: "a/b" } }));
    chain(received({ id: "b/c", delivery: { handler: "a" } }));
    expect(handler.calls).toBe(2);
  });

  it("makes a duplicate wait for the first, and drops it when that succeeds", async () => {
    const gate = deferred<undefined>();
    const handler = counting(() => gate.promise);
    const chain = deduplicator()(handler.handle);
    const both = [chain(received()), chain(received())];
    gate.resolve(undefined);
    expect(await Promise.all(both)).toEqual([undefined, undefined]);
    expect(handler.calls).toBe(1);
  });

  it("lets one waiting duplicate take over when the first fails", async () => {
    const gate = deferred<undefined>();
    const handler = counting((call) => (call === 1 ? gate.promise : Promise.resolve(undefined)));
    const chain = deduplicator()(handler.handle);
    const three = [chain(received()), chain(received()), chain(received())];
    gate.reject(failure);
    const outcomes = await Promise.allSettled(three);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(handler.calls).toBe(2);
  });

  it("ends the wait of a duplicate whose own signal aborts", async () => {
    const chain = deduplicator()(() => new Promise(() => {}));
    void chain(received());
    const waiting = received();
    const lost = new MillraceError("lost", { code: "DELIVERY_LOST" });
    const outcome = expect(chain(waiting)).rejects.toBe(lost);
    waiting.end(lost);
    await outcome;
  });

  it("lets the same delivery through again: retry outside, or an instance added twice", async () => {
    const failing = counting((call) => (call < 3 ? Promise.reject(failure) : undefined));
    await retry({ minDelayMs: 1 })(deduplicator()(failing.handle))(received());
    expect(failing.calls).toBe(3);
    const twice = deduplicator();
    const handler = counting(async () => new Message("out"));
    expect(await twice(twice(handler.handle))(received())).toBeInstanceOf(Message);
    expect(handler.calls).toBe(1);
  });

  it("asks a slow repository, and lets nobody between asking and recording", async () => {
    const repository = new SlowRepository();
    const handler = counting(async () => undefined);
    const chain = deduplicator({ repository })(handler.handle);
    await Promise.all([chain(received()), chain(received()), chain(received())]);
    await chain(received());
    expect(handler.calls).toBe(1);
    expect([...repository.keys]).toEqual(["charge/m-1"]);
  });

  it("fails the message with the repository's own error, and recovers", async () => {
    const repository = new SlowRepository();
    repository.error = failure;
    const handler = counting();
    const chain = deduplicator({ repository })(handler.handle);
    await expect(chain(received())).rejects.toBe(failure);
    expect(handler.calls).toBe(0);
    repository.error = undefined;
    await chain(received());
    expect(handler.calls).toBe(1);
    const throwing: DeduplicationRepository = {
      has: () => {
        throw failure;
      },
      record: () => {},
    };
    expect(() => deduplicator({ repository: throwing })(handler.handle)(received())).toThrow(failure);
  });

  it("logs when a key cannot be recorded after the ack", async () => {
    const lines: object[] = [];
    const repository: DeduplicationRepository = { has: () => false, record: () => Promise.reject(failure) };
    const logger = { ...silentLogger, warn: (fields: object) => void lines.push(fields) };
    const message = received();
    deduplicator({ repository, logger })(() => new Message("out"))(message);
    message.ack();
    await new Promise((resolve) => setImmediate(resolve));
    expect(lines).toMatchObject([{ err: failure, messageId: "m-1", topic: "orders" }]);
  });

  it("shares a repository between instances", async () => {
    const repository = new MemoryDeduplicationRepository();
    const handler = counting();
    deduplicator({ repository })(handler.handle)(received());
    deduplicator({ repository })(handler.handle)(received());
    expect(handler.calls).toBe(1);
  });

  it("tells messages apart by payload", async () => {
    const handler = counting();
    const chain = deduplicator({ key: keyFromPayload })(handler.handle);
    for (let count = 0; count < 6; count++) await chain(received({ id: `a-${count}`, payload: "same" }));
    for (let count = 0; count < 2; count++) await chain(received({ id: `b-${count}`, payload: "other" }));
    expect(handler.calls).toBe(2);
  });

  it("hashes the whole payload with SHA-256", async () => {
    expect(await keyFromPayload(new Message("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const long = "x".repeat(1_000);
    expect(await keyFromPayload(new Message(`${long}1`))).not.toBe(await keyFromPayload(new Message(`${long}2`)));
  });

  it("tells messages apart by a metadata field, and refuses one without it for good", () => {
    const handler = counting();
    const chain = deduplicator({ key: keyFromMetadata("order_id") })(handler.handle);
    chain(received({ id: "1", metadata: { order_id: "o" } }));
    chain(received({ id: "2", metadata: { order_id: "o" } }));
    expect(handler.calls).toBe(1);
    const missing = expect.objectContaining({ name: "PermanentError", code: "DEDUPLICATION_KEY_MISSING", message: expect.stringMatching(/m-1.*"order_id"/) });
    expect(() => chain(received())).toThrow(missing);
    expect(() => chain(received({ metadata: { order_id: "" } }))).toThrow(missing);
  });

  it("refuses bad options, all at once", () => {
    expect(() => deduplicator({ key: 1, repository: {}, logger: {} } as never)).toThrow(/key.*repository.*logger/);
    expect(() => deduplicator({ key: 1 as never })).toThrow(OptionError);
  });
});
