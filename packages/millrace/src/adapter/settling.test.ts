import { describe, expect, it, vi } from "vitest";
import { SettleError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { HandSource, nextOf } from "./hand-source.fixture.ts";
import { inHand, message } from "./hands.fixture.ts";

describe("verdicts", () => {
  it("leave at once when nothing else is in flight", async () => {
    const hands = await inHand(1);
    message(hands, 0).ack();
    expect(hands.source.session.told).toEqual([]); // `settle` is asynchronous here: one turn
    await Promise.resolve();
    expect(hands.source.session.told).toEqual(["ack 0"]);
  });

  it("leave together within 5 ms while others are in flight", async () => {
    const hands = await inHand(4);
    vi.useFakeTimers();
    try {
      message(hands, 0).ack();
      message(hands, 1).ack();
      await vi.advanceTimersByTimeAsync(4);
      expect(hands.source.session.settled).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(hands.source.session.told).toEqual(["ack 0", "ack 1"]);
      expect(hands.source.session.settled).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it("leave together too, for a broker that pushes, when they follow each other closely and each leaves nothing in flight", async () => {
    vi.useFakeTimers();
    try {
      const source = new HandSource();
      const iterator = (await source.subscribe({}, { settlesApart: true }))[Symbol.asyncIterator]();
      for (const id of ["a", "b", "c"]) {
        source.session.deliver(id);
        (await nextOf(iterator)).ack();
        await vi.advanceTimersByTimeAsync(1);
      }
      expect(source.session.told).toEqual(["ack a"]);
      await vi.advanceTimersByTimeAsync(5);
      expect(source.session.told).toEqual(["ack a", "ack b", "ack c"]);
      expect(source.session.settled).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it("follow the batch under way without a delay when they leave nothing in flight", async () => {
    const source = new HandSource();
    const iterator = (await source.subscribe({}, { settleDelayMs: 60_000 }))[Symbol.asyncIterator]();
    const answer = deferred<void>();
    source.session.onSettle = () => answer.promise;
    source.session.deliver("a");
    (await nextOf(iterator)).ack();
    source.session.deliver("b");
    (await nextOf(iterator)).ack();
    answer.resolve();
    await vi.waitFor(() => expect(source.session.told).toEqual(["ack a", "ack b"]));
  });

  it("leave when 256 have gathered, without waiting", async () => {
    const hands = await inHand(300, { settleDelayMs: 60_000 });
    for (let index = 0; index < 299; index++) message(hands, index).ack();
    await vi.waitFor(() => expect(hands.source.session.told).toHaveLength(256));
    message(hands, 299).ack();
    await hands.subscription.flush();
    expect(hands.source.session.told).toEqual(Array.from({ length: 300 }, (_, index) => `ack ${index}`));
  });

  it("that come while a batch is under way follow it, never beside it", async () => {
    const hands = await inHand(3, { settleBatch: 1 });
    const gate = deferred<void>();
    let atOnce = 0;
    let most = 0;
    hands.source.session.onSettle = async () => {
      most = Math.max(most, ++atOnce);
      await gate.promise;
      atOnce--;
    };
    for (const one of hands.messages) one.ack();
    gate.resolve();
    await hands.subscription.flush();
    expect(hands.source.session.told).toEqual(["ack 0", "ack 1", "ack 2"]);
    expect(most).toBe(1);
  });

  it("that come while a flush is under way leave without another flush", async () => {
    const hands = await inHand(2);
    const gate = deferred<void>();
    message(hands, 0).ack();
    hands.source.session.onSettle = () => gate.promise;
    const flushing = hands.subscription.flush();
    message(hands, 1).ack();
    gate.resolve();
    await flushing;
    await vi.waitFor(() => expect(hands.source.session.told).toEqual(["ack 0", "ack 1"]));
  });

  it("never leave in two batches at a time, although several flushes wait for the one under way", async () => {
    const { source, subscription, messages } = await inHand(2);
    const gates: (() => void)[] = [];
    let open = 0;
    let most = 0;
    source.session.onSettle = async () => {
      most = Math.max(most, ++open);
      await new Promise<void>((resolve) => gates.push(resolve));
      open--;
    };
    const flushes = [subscription.flush()];
    messages[0]?.ack();
    flushes.push(subscription.flush(), subscription.flush());
    messages[1]?.ack();
    for (let round = 0; round < 6; round++) {
      gates.shift()?.();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(flushes);
    expect([most, source.session.told]).toEqual([1, ["ack 0", "ack 1"]]);
  });

  it("that keep coming do not keep a flush from its turn", async () => {
    const hands = await inHand(50, { settleBatch: 1 });
    let next = 1;
    hands.source.session.onSettle = async () => {
      await Promise.resolve();
      if (next < 50) message(hands, next++).ack(); // enough for another batch, each time
    };
    message(hands, 0).ack();
    await hands.subscription.flush();
    expect(hands.source.session.settled.slice(0, 2).map(({ final }) => final)).toEqual([false, true]);
    expect(hands.source.session.settled.length).toBeLessThan(5);
  });

  it("that the session refuses are kept, in order, and offered again", async () => {
    const logger = new RecordingLogger();
    const hands = await inHand(2, { logger });
    let refusals = 1;
    hands.source.session.onSettle = () => {
      if (refusals-- > 0) throw new Error("busy");
    };
    message(hands, 0).ack();
    await vi.waitFor(() => expect(logger.saying("could not be made durable")).toHaveLength(1));
    expect(hands.subscription.status().lastError?.message).toBe("busy");
    message(hands, 1).ack();
    await hands.subscription.flush();
    expect(hands.source.session.told).toEqual(["ack 0", "ack 1"]);
  });

  it("that are refused again and again never spin, whatever has gathered", async () => {
    const hands = await inHand(3, { settleBatch: 1 });
    let offers = 0;
    hands.source.session.onSettle = () => {
      offers++;
      throw new Error("busy");
    };
    for (const one of hands.messages) one.ack();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(offers).toBeLessThanOrEqual(3);
  });

  it("on deliveries that are lost while their batch is under way are not offered again, and flush says so once", async () => {
    const logger = new RecordingLogger();
    const hands = await inHand(2, { logger });
    const gate = deferred<void>();
    const [first] = hands.source.sessions;
    if (first === undefined) throw new Error("no session");
    first.onSettle = () => gate.promise;
    message(hands, 0).ack();
    message(hands, 1).ack();
    const flushing = hands.subscription.flush().catch((error: unknown) => error);
    first.intake.lose(({ id }) => id === "0");
    gate.reject(new Error("cut"));
    expect(await flushing).toMatchObject({ code: "SETTLE_FAILED", positions: ["at-0", "at-1"] });
    expect(hands.subscription.status().lastError).toBe(await flushing);
    expect(logger.saying("were lost before their acks were durable")).toMatchObject([{ fields: { count: 1 } }]);
    first.onSettle = () => {};
    await hands.subscription.flush();
    expect(first.told).toEqual(["ack 1"]);
  });

  it("on deliveries that are lost while it drains are named when it ends, those lost before are not", async () => {
    const hands = await inHand(2);
    const gate = deferred<void>();
    const [first] = hands.source.sessions;
    if (first === undefined) throw new Error("no session");
    first.onSettle = () => gate.promise;
    for (const one of hands.messages) one.ack();
    first.intake.lose(({ id }) => id === "0");
    const draining = hands.subscription.drain().catch((error: unknown) => error);
    first.intake.lose(({ id }) => id === "1");
    first.onSettle = () => {};
    gate.reject(new Error("cut"));
    expect(await draining).toMatchObject({ code: "SETTLE_FAILED", positions: ["at-1"] });
    expect(hands.subscription.status().state).toBe("stopped");
  });
});

describe("flush", () => {
  it("resolves when every verdict so far is durable", async () => {
    const hands = await inHand(3);
    const gate = deferred<void>();
    hands.source.session.onSettle = () => gate.promise;
    message(hands, 0).ack();
    let done = false;
    const flushing = hands.subscription.flush().then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    gate.resolve();
    await flushing;
    expect(hands.source.session.told).toEqual(["ack 0"]);
  });

  it("rejects with a SettleError that names what is not durable, and keeps it", async () => {
    const hands = await inHand(3);
    const cause = new Error("disk full");
    hands.source.session.onSettle = () => {
      throw cause;
    };
    message(hands, 0).ack();
    message(hands, 2).ack();
    const error = await hands.subscription.flush().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SettleError);
    expect(error).toMatchObject({ code: "SETTLE_FAILED", retryable: true, positions: ["at-0", "at-2"], cause });
    hands.source.session.onSettle = () => {};
    await vi.waitFor(() => expect(hands.source.session.told).toEqual(["ack 0", "ack 2"]), { timeout: 2000 });
  });

  it("passes a session's own SettleError on as it is", async () => {
    const hands = await inHand(1);
    const own = new SettleError("two records are not committed", { positions: ["p-7"] });
    hands.source.session.onSettle = (final) => {
      if (final) throw own;
    };
    message(hands, 0).ack();
    await expect(hands.subscription.flush()).rejects.toBe(own);
  });

  it("rejects while there is no session, and works again with the next one", async () => {
    const hands = await inHand(2);
    const gate = deferred<void>();
    hands.source.session.onClose = () => gate.promise;
    hands.source.session.intake.fail(new Error("cut"));
    expect(message(hands, 0).ack()).toBe(true);
    await expect(hands.subscription.flush()).rejects.toMatchObject({ code: "SETTLE_FAILED", positions: [expect.any(String)] });
    gate.resolve();
    await vi.waitFor(() => expect(hands.source.sessions).toHaveLength(2));
    await vi.waitFor(() => expect(hands.source.session.told).toEqual(["ack 0"]));
  });
});
