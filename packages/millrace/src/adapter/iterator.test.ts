import { describe, expect, it } from "vitest";
import { sliceSpent } from "../internal/slice.ts";
import { HandSource, nextOf, readyNow } from "./hand-source.fixture.ts";
import { Reading } from "./reading.ts";

describe("reading a subscription", () => {
  it("hands out nothing without a reader, and asks the session for nothing", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    expect(source.session.wants.filter((count) => count > 0)).toEqual([]);
    source.session.deliver("a");
    expect(subscription.status()).toMatchObject({ inFlight: 0, held: 1 });
  });

  it("keeps the subscription open after break, and the message in hand with the caller", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.deliver("a", "b");
    const seen: string[] = [];
    let inHand: { ack(): boolean } | undefined;
    for await (const message of subscription) {
      inHand = message;
      break;
    }
    expect(subscription.status()).toMatchObject({ state: "running", inFlight: 1, held: 1 });
    expect(inHand?.ack()).toBe(true);
    for await (const message of subscription) {
      seen.push(message.id);
      message.ack();
      break;
    }
    expect(seen).toEqual(["b"]);
    expect(subscription.status().inFlight).toBe(0);
  });

  it("refuses a second iterator beside a running one, and allows it afterwards", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const first = subscription[Symbol.asyncIterator]();
    expect(() => subscription[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: "SUBSCRIPTION_BUSY" }));
    await first.return?.();
    source.session.deliver("a");
    expect((await nextOf(subscription[Symbol.asyncIterator]())).id).toBe("a");
    expect(await first.next()).toEqual({ value: undefined, done: true });
  });

  it("ends what waits when the loop is left", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    const waiting = [iterator.next(), iterator.next()];
    await iterator.return?.();
    expect(await Promise.all(waiting)).toEqual([
      { value: undefined, done: true },
      { value: undefined, done: true },
    ]);
    source.session.deliver("a");
    expect(subscription.status()).toMatchObject({ inFlight: 0, held: 1 });
  });

  it("serves several waiting calls in order", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 3 });
    const iterator = subscription[Symbol.asyncIterator]();
    const waiting = [nextOf(iterator), nextOf(iterator), nextOf(iterator)];
    source.session.deliver("a", "b", "c");
    expect((await Promise.all(waiting)).map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });

  it("ends normally when the subscription closes, also for a loop that begins afterwards", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    const waiting = iterator.next();
    await subscription.close();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
    for await (const message of subscription) expect.fail(`nothing comes after close, got ${message.id}`);
  });

  it("ends normally when the subscribe signal aborts", async () => {
    const source = new HandSource();
    const controller = new AbortController();
    const subscription = await source.subscribe({ signal: controller.signal });
    const waiting = subscription[Symbol.asyncIterator]().next();
    controller.abort();
    expect(await waiting).toEqual({ value: undefined, done: true });
    await subscription.closed;
    expect(source.session.closed).toBe(1);
  });

  it("does not begin when the signal has aborted before", async () => {
    const source = new HandSource();
    await expect(source.subscribe({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
    expect(source.sessions).toEqual([]);
  });

  it("throws from next() when the subscription has failed for good", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    const waiting = iterator.next();
    const { MillraceError } = await import("../errors/index.ts");
    source.openErrors.push(new MillraceError("no such topic", { code: "GONE" }));
    source.session.intake.fail(new Error("cut"));
    await expect(waiting).rejects.toMatchObject({ code: "GONE" });
    await expect(iterator.next()).rejects.toMatchObject({ code: "GONE" });
    await expect(subscription[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "GONE" });
    await expect(subscription.closed).rejects.toMatchObject({ code: "GONE" });
  });

  it("hands out no more than maxInFlight", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2, orderBy: "none" });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a", "b", "c");
    const a = await nextOf(iterator);
    await nextOf(iterator);
    expect(await readyNow(iterator)).toBeUndefined();
    a.ack();
    expect((await nextOf(subscription[Symbol.asyncIterator]())).id).toBe("c");
  });

  it("gives waiting readers their messages in order, none left over, when the source delivers in the middle of a fetch", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 4, orderBy: "none" });
    const { session } = source;
    const later = ["b", "c", "d"];
    const iterator = subscription[Symbol.asyncIterator]();
    const taken = [1, 2, 3, 4].map(() => iterator.next());
    const want = session.want.bind(session);
    session.want = (count) => {
      want(count);
      if (count > 0) session.deliver(...later.splice(0, 1));
    };
    session.deliver("a");
    session.deliver(...later.splice(0));
    const steps = await Promise.all(taken);
    expect(steps.map(({ value }) => value?.id)).toEqual(["a", "b", "c", "d"]);
  });

  it("hands out what the source delivers while a waiting reader is looked after", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    subscription.pause();
    const next = subscription[Symbol.asyncIterator]().next();
    const { session } = source;
    session.want = (count) => void (count > 0 && session.deliver("a"));
    subscription.resume();
    expect((await next).value?.id).toBe("a");
  });

  it("hands out nothing to a next() that was asked for before its iteration ended", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2 });
    const iterator = subscription[Symbol.asyncIterator]();
    const pending = [iterator.next(), iterator.next()];
    await iterator.return?.();
    source.session.deliver("a");
    expect(await Promise.all(pending)).toEqual([
      { value: undefined, done: true },
      { value: undefined, done: true },
    ]);
    expect(subscription.status()).toMatchObject({ inFlight: 0, held: 1 });
  });
});

describe("a step that waits for its turn in the event loop", () => {
  const waiting = (): { readonly reading: Reading; readonly iterator: AsyncIterator<unknown>; readonly step: Promise<unknown> } => {
    const reading = new Reading(
      () => undefined,
      () => {},
    );
    const iterator = reading.open("t");
    while (!sliceSpent());
    return { reading, iterator, step: iterator.next() };
  };

  it("throws when the subscription fails meanwhile, and is the end when it ends", async () => {
    const failing = waiting();
    failing.reading.fail(new Error("gone"));
    await expect(failing.step).rejects.toThrow("gone");
    const ending = waiting();
    ending.reading.end();
    expect(await ending.step).toEqual({ value: undefined, done: true });
  });

  it("takes nothing for an iterator that has ended meanwhile", async () => {
    const { iterator, step } = waiting();
    await iterator.return?.();
    expect(await step).toEqual({ value: undefined, done: true });
  });
});
