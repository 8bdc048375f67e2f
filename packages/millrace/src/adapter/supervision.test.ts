import { describe, expect, it, vi } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { HandSource, nextOf } from "./hand-source.fixture.ts";

describe("a subscription whose session breaks", () => {
  it("goes on with another one, shows it, and says so in the log", async () => {
    const logger = new RecordingLogger();
    const source = new HandSource();
    const subscription = await source.subscribe({}, { logger });
    const iterator = subscription[Symbol.asyncIterator]();
    const waiting = nextOf(iterator);
    const error = new Error("connection reset");
    source.session.intake.fail(error);
    expect(subscription.status()).toMatchObject({ state: "reconnecting", lastError: error });
    await vi.waitFor(() => expect(subscription.status().state).toBe("running"));
    expect(source.sessions.map(({ closed }) => closed)).toEqual([1, 0]);
    source.session.deliver("a");
    expect((await waiting).id).toBe("a");
    expect(logger.saying("subscription broken, reconnecting")[0]?.fields).toMatchObject({ topic: "orders", adapter: "hand", error });
    expect(logger.saying("subscription restored")).toHaveLength(1);
  });

  it("asks the new session for as much as it wants", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    subscription[Symbol.asyncIterator]();
    expect(source.session.wanted).toBe(1);
    source.session.intake.fail(new Error("cut"));
    await vi.waitFor(() => expect(source.sessions).toHaveLength(2));
    expect(source.session.wanted).toBe(1);
  });

  it("tries for ever, each failure logged, as long as it may heal", async () => {
    const logger = new RecordingLogger();
    const source = new HandSource();
    const subscription = await source.subscribe({}, { logger });
    source.openErrors.push(...Array.from({ length: 6 }, () => new Error("refused")));
    source.session.intake.fail(new Error("cut"));
    await vi.waitFor(() => expect(subscription.status().state).toBe("running"));
    expect(logger.saying("reconnecting failed").map(({ fields }) => fields.attempt)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("tries on whatever is thrown, also when that cannot be shown", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.openErrors.push(Object.create(null), undefined);
    source.session.intake.fail(Object.create(null));
    await vi.waitFor(() => expect(subscription.status().state).toBe("running"));
    expect(source.sessions).toHaveLength(2);
    expect(subscription.status().lastError).toBeInstanceOf(Error);
  });

  it("waits longer from try to try, up to the cap, with jitter of at most half", async () => {
    vi.useFakeTimers();
    try {
      const source = new HandSource();
      const opened: number[] = [];
      await source.subscribe({}, { reconnect: { minDelayMs: 100, maxDelayMs: 400 } });
      const began = Date.now();
      source.open = () => {
        opened.push(Date.now() - began);
        throw new Error("refused");
      };
      source.session.intake.fail(new Error("cut"));
      await vi.advanceTimersByTimeAsync(3000);
      const waits = opened.map((at, index) => at - (opened[index - 1] ?? 0));
      for (const [index, wait] of waits.entries()) {
        const ceiling = Math.min(400, 100 * 2 ** index);
        expect(wait).toBeGreaterThanOrEqual(ceiling / 2 - 1);
        expect(wait).toBeLessThanOrEqual(ceiling + 1);
      }
      expect(waits.length).toBeGreaterThan(6);
    } finally {
      vi.useRealTimers();
    }
  });

  it("ends for good at an error that cannot heal, once, and nobody has to listen", async () => {
    const source = new HandSource();
    const onClosed = vi.fn();
    const subscription = await source.subscribe({}, {}, onClosed);
    const error = new MillraceError("no such topic", { code: "GONE" });
    source.openErrors.push(error);
    source.session.intake.fail(new Error("cut"));
    await vi.waitFor(() => expect(onClosed).toHaveBeenCalled());
    expect(subscription.status()).toMatchObject({ state: "stopped", lastError: error });
    await subscription.close();
    await subscription[Symbol.asyncDispose]();
    expect(onClosed).toHaveBeenCalledTimes(1);
    await expect(subscription.closed).rejects.toBe(error);
  });

  it("hears nothing any more from a session that is gone", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    subscription[Symbol.asyncIterator]();
    const old = source.session;
    old.intake.fail(new Error("cut"));
    old.intake.fail(new Error("cut again"));
    await vi.waitFor(() => expect(subscription.status().state).toBe("running"));
    old.deliver("ghost");
    old.intake.blocked("ghost");
    old.intake.fail(new Error("ghost"));
    expect(subscription.status()).toMatchObject({ state: "running", held: 0, inFlight: 0, detail: undefined });
    expect(source.sessions).toHaveLength(2);
  });

  it("opens another when a session fails while it opens", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const open = source.open.bind(source);
    source.open = (intake) => {
      source.open = open;
      const session = open(intake);
      intake.fail(new Error("at once"));
      return session;
    };
    source.session.intake.fail(new Error("cut"));
    await vi.waitFor(() => expect(source.sessions).toHaveLength(3));
    await vi.waitFor(() => expect(subscription.status().state).toBe("running"));
    expect(source.sessions.map(({ closed }) => closed)).toEqual([1, 1, 0]);
  });

  it("survives a session that cannot be closed properly", async () => {
    const logger = new RecordingLogger();
    const source = new HandSource();
    const subscription = await source.subscribe({}, { logger });
    source.session.onClose = () => Promise.reject(new Error("socket gone"));
    source.session.intake.fail(new Error("cut"));
    await vi.waitFor(() => expect(source.sessions).toHaveLength(2));
    source.session.onClose = () => Promise.reject(new Error("socket gone"));
    await subscription.close();
    await subscription.closed;
    expect(logger.saying("could not be closed properly")).toHaveLength(2);
  });

  it("is blocked no more by what held the former session up", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.intake.blocked("partition 7 is full");
    source.session.intake.fail(new Error("cut"));
    await vi.waitFor(() => expect(source.sessions).toHaveLength(2));
    expect(subscription.status()).toMatchObject({ state: "running", detail: undefined });
  });

  it("gives up at its signal while the first session is being opened, and closes what still comes", async () => {
    const source = new HandSource();
    const opening = deferred<void>();
    const open = source.open.bind(source);
    Object.assign(source, {
      open: async (intake: Parameters<typeof open>[0]) => {
        await opening.promise;
        return open(intake);
      },
    });
    const controller = new AbortController();
    const starting = source.subscribe({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(starting).rejects.toThrow("enough");
    opening.resolve();
    await vi.waitFor(() => expect(source.sessions.map(({ closed }) => closed)).toEqual([1]));
  });

  it("rejects start() with the first open's error and leaves nothing open", async () => {
    const source = new HandSource();
    const error = new Error("refused");
    source.openErrors.push(error);
    await expect(source.subscribe()).rejects.toBe(error);
    expect(source.sessions).toEqual([]);
  });
});

describe("what is in hand when a session breaks", () => {
  it("stays ours where the receipt stays valid: the verdict is told to the next session", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.deliver("a");
    const message = await nextOf(subscription[Symbol.asyncIterator]());
    const gate = deferred<void>();
    source.session.onClose = () => gate.promise;
    source.session.intake.fail(new Error("cut"));
    expect([message.signal.aborted, message.ack()]).toEqual([false, true]);
    gate.resolve();
    await vi.waitFor(() => expect(source.sessions).toHaveLength(2));
    await vi.waitFor(() => expect(source.session.told).toEqual(["ack a"]));
  });

  it("is lost when its lease runs out while there is no session", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a");
    const message = await nextOf(iterator);
    source.session.lost.add("a");
    source.openErrors.push(new Error("refused"));
    source.session.intake.fail(new Error("cut"));
    expect(message.ack()).toBe(false);
    expect(message.signal.reason).toMatchObject({ code: "DELIVERY_LOST" });
    await subscription[Symbol.asyncDispose]();
  });

  it("is lost when the session says so: signals abort, what is held goes, verdicts that wait are dropped", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2, orderBy: "none" }, { settleDelayMs: 60_000 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a", "b", "c");
    const [a, b] = [await nextOf(iterator), await nextOf(iterator)];
    const { signal } = b;
    a.ack();
    source.session.intake.lose();
    source.session.intake.fail(new Error("channel closed"));
    expect(signal.reason).toMatchObject({ code: "DELIVERY_LOST" });
    expect(b.ack()).toBe(false);
    expect(subscription.status()).toMatchObject({ inFlight: 0, held: 0 });
    await vi.waitFor(() => expect(source.sessions).toHaveLength(2));
    await expect(subscription.flush()).rejects.toMatchObject({ code: "SETTLE_FAILED", positions: [expect.any(String)] });
    await subscription.flush();
    expect(source.sessions.flatMap(({ told }) => told)).toEqual([]);
  });

  it("is lost, too, when the session says so that has broken meanwhile", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.deliver("a");
    const a = await nextOf(subscription[Symbol.asyncIterator]());
    const { intake } = source.session;
    intake.fail(new Error("cut"));
    await vi.waitFor(() => expect(source.sessions).toHaveLength(2));
    intake.lose();
    expect([a.signal.aborted, a.ack(), await a.settled]).toEqual([true, false, "lost"]);
  });

  it("is lost only as far as the session names it, and the others keep their place and their delay", async () => {
    vi.useFakeTimers();
    try {
      const source = new HandSource();
      const subscription = await source.subscribe({ maxInFlight: 4 });
      const iterator = subscription[Symbol.asyncIterator]();
      source.session.deliver({ id: "a1", key: "a" }, { id: "a2", key: "a" }, { id: "b1", key: "b" }, { id: "b2", key: "b" });
      const [a1, b1] = [await nextOf(iterator), await nextOf(iterator)];
      a1.nack({ delayMs: 1000 });
      source.session.intake.lose(({ key }) => key === "b");
      expect(b1.ack()).toBe(false);
      expect(subscription.status()).toMatchObject({ inFlight: 0, held: 2 });
      const waiting = nextOf(iterator);
      let came = false;
      void waiting.then(() => {
        came = true;
      });
      await vi.advanceTimersByTimeAsync(999);
      expect(came).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect([(await waiting).id, (await waiting).delivery.attempt]).toEqual(["a1", 2]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("health of a subscription", () => {
  it("says blocked, with the reason, while the source is held up", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.intake.blocked("partition 3 waits for 17");
    expect(subscription.status()).toMatchObject({ state: "blocked", detail: "partition 3 waits for 17" });
    source.session.intake.blocked(undefined);
    expect(subscription.status()).toMatchObject({ state: "running", detail: undefined });
  });

  it("counts records that could not be decoded, logs them with topic and position, and sends them raw to the dead letter", async () => {
    const logger = new RecordingLogger();
    const source = new HandSource();
    const undecodable = vi.fn(async () => {});
    const subscription = await source.subscribe({ undecodable }, { logger });
    const [payload, error] = [new Uint8Array([1, 2]), new Error("bad envelope")];
    await source.session.intake.undecodable({ position: "0:7", payload, error });
    expect(undecodable).toHaveBeenCalledWith({ topic: "orders", position: "0:7", payload, error });
    expect(subscription.status().detail).toBe("1 undecodable, last at 0:7");
    expect(logger.at("error")[0]?.fields).toMatchObject({ topic: "orders", position: "0:7", error });
  });
});
