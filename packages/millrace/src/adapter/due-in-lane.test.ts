import { describe, expect, it, vi } from "vitest";
import { HandSource, nextOf, readyNow } from "./hand-source.fixture.ts";

describe("messages of one lane that were out together and come back", () => {
  it("are each handed out when due, in order: a later one is not hurried by an earlier one's shorter wait", async () => {
    const source = new HandSource();
    await using subscription = await source.subscribe({ maxInFlight: 2, perKey: 2 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver({ id: "1", key: "k" }, { id: "2", key: "k" });
    const [one, two] = [await nextOf(iterator), await nextOf(iterator)];
    const began = performance.now();
    two.nack({ delayMs: 60 });
    one.nack({ delayMs: 5 });
    const again = await nextOf(iterator);
    expect([again.id, performance.now() - began < 60]).toEqual(["1", true]);
    again.ack();
    const last = await nextOf(iterator);
    expect([last.id, performance.now() - began >= 59]).toEqual(["2", true]);
    expect(subscription.status()).toMatchObject({ inFlight: 1, held: 0 });
    last.ack();
  });

  it("are each handed out when due: an earlier one does not wait for a later one's time", async () => {
    const source = new HandSource();
    await using subscription = await source.subscribe({ maxInFlight: 2, perKey: 2 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver({ id: "1", key: "k" }, { id: "2", key: "k" });
    const [one, two] = [await nextOf(iterator), await nextOf(iterator)];
    two.nack({ delayMs: 60_000 });
    one.nack();
    expect((await readyNow(iterator))?.id).toBe("1");
    expect(await readyNow(iterator)).toBe(undefined);
  });

  it("leave no timer behind when the subscription closes while they wait", async () => {
    vi.useFakeTimers();
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2, perKey: 2 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver({ id: "1", key: "k" }, { id: "2", key: "k" });
    const [one, two] = [await nextOf(iterator), await nextOf(iterator)];
    two.nack({ delayMs: 60_000 });
    one.nack({ delayMs: 50_000 });
    await subscription.close();
    const timers = vi.getTimerCount();
    vi.useRealTimers();
    expect(timers).toBe(0);
  });

  it("leave nothing behind that was parked: the lane goes on when the one that waited is recalled", async () => {
    const source = new HandSource();
    await using subscription = await source.subscribe({ maxInFlight: 2, perKey: 2 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver({ id: "1", key: "k" }, { id: "2", key: "k" }, { id: "3", key: "k" });
    const [one, two] = [await nextOf(iterator), await nextOf(iterator)];
    one.nack({ delayMs: 60_000 });
    two.ack();
    expect(await readyNow(iterator)).toBe(undefined);
    expect(source.session.intake.recall(({ id }) => id === "1").map(({ id }) => id)).toEqual(["1"]);
    expect((await readyNow(subscription[Symbol.asyncIterator]()))?.id).toBe("3");
  });
});

describe("what a subscription gave back before it was due", () => {
  it("is not taken for another message at the same place, of a topic that was made anew", async () => {
    const source = new HandSource();
    await using subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver({ id: "old", place: "0" });
    (await nextOf(iterator)).nack({ delayMs: 60_000 });
    subscription.pause();
    expect(source.session.givenBack.map(({ id }) => id)).toEqual(["old"]);
    subscription.resume();
    source.session.deliver({ id: "new", place: "0" });
    const message = await readyNow(iterator);
    expect([message?.id, message?.delivery.attempt]).toEqual(["new", 1]);
  });
});
