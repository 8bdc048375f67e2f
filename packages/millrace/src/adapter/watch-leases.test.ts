import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { HandSource, nextOf } from "./hand-source.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("what is in hand while there is no session", () => {
  it("is lost as soon as its lease is over: the handler's signal aborts, what waits goes, acks are named", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2, orderBy: "none" }, { settleDelayMs: 60_000 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a", "b", "c", "d");
    const [a, b, c] = [await nextOf(iterator), await nextOf(iterator), nextOf(iterator)];
    a.ack();
    const inHand = [b, await c];
    const signals = inHand.map(({ signal }) => signal.aborted);
    source.openErrors.push(...Array.from({ length: 1000 }, () => new Error("refused")));
    const { lost, intake } = source.session;
    intake.fail(new Error("cut"));
    await vi.advanceTimersByTimeAsync(1000);
    expect(subscription.status()).toMatchObject({ inFlight: 2, held: 1 });
    for (const id of ["a", "b", "d"]) lost.add(id);
    await vi.advanceTimersByTimeAsync(250);
    expect([signals, inHand.map(({ signal }) => signal.aborted)]).toEqual([
      [false, false],
      [true, false],
    ]);
    expect(subscription.status()).toMatchObject({ state: "reconnecting", inFlight: 1, held: 0 });
    await expect(subscription.flush()).rejects.toMatchObject({ code: "SETTLE_FAILED", positions: ["at-a"] });
    lost.add("c");
    await vi.advanceTimersByTimeAsync(250);
    expect(subscription.status()).toMatchObject({ inFlight: 0, held: 0 });
    await subscription.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("stays where a session does not know, and is watched no more when there is another one", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({}, { reconnect: { minDelayMs: 600, maxDelayMs: 600 } });
    source.session.deliver("a");
    const a = await nextOf(subscription[Symbol.asyncIterator]());
    const asked = vi.spyOn(source.session, "holds").mockImplementation(() => {
      throw new Error("who knows");
    });
    source.session.intake.fail(new Error("cut"));
    await vi.advanceTimersByTimeAsync(1000);
    const timesAsked = asked.mock.calls.length;
    await vi.advanceTimersByTimeAsync(1000);
    expect([source.sessions.length, timesAsked > 0, asked.mock.calls.length - timesAsked, a.signal.aborted]).toEqual([2, true, 0, false]);
    expect(a.ack()).toBe(true);
    await subscription.close();
  });

  it("is watched for as long as another one takes to open, in each outage, and not when it is there", async () => {
    const source = new HandSource();
    const open = source.open.bind(source);
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    for (const id of ["a", "b"]) {
      const { session } = source;
      const asked = vi.spyOn(session, "holds");
      session.deliver(id);
      const { signal } = await nextOf(iterator);
      await vi.advanceTimersByTimeAsync(2000);
      expect([asked.mock.calls.length, signal.aborted]).toEqual([0, false]);
      const opened = deferred<void>();
      source.open = (intake) => opened.promise.then(() => open(intake)) as never;
      session.intake.fail(new Error("cut"));
      await vi.advanceTimersByTimeAsync(2000);
      expect(signal.aborted).toBe(false);
      session.lost.add(id);
      await vi.advanceTimersByTimeAsync(250);
      expect(signal.aborted).toBe(true);
      session.lost.clear();
      opened.resolve();
      await vi.advanceTimersByTimeAsync(10);
    }
    await subscription[Symbol.asyncDispose]();
  });

  it("is watched no more when another one is there, and again when that one breaks", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.deliver("a");
    await nextOf(subscription[Symbol.asyncIterator]());
    source.session.intake.fail(new Error("cut"));
    await vi.advanceTimersByTimeAsync(10);
    const asked = vi.spyOn(source.session, "holds");
    await vi.advanceTimersByTimeAsync(2000);
    expect([source.sessions.length, asked.mock.calls.length]).toEqual([2, 0]);
    const { session } = source;
    const opened = deferred<void>();
    source.open = () => opened.promise as never;
    session.intake.fail(new Error("cut"));
    session.lost.add("a");
    await vi.advanceTimersByTimeAsync(250);
    expect(subscription.status().inFlight).toBe(0);
    opened.reject(new Error("refused"));
    await subscription[Symbol.asyncDispose]();
  });
});
