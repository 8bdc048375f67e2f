import { describe, expect, it, vi } from "vitest";
import { HandSource, nextOf, readyNow } from "./hand-source.fixture.ts";

describe("pause", () => {
  it("keeps the session, gives back what was not handed out, and hands out nothing until resume", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a", "b");
    const a = await nextOf(iterator);
    subscription.pause();
    expect(subscription.status()).toMatchObject({ state: "paused", inFlight: 1, held: 0 });
    expect([source.session.givenBack.map(({ id }) => id), source.session.wanted, source.session.closed]).toEqual([["b"], 0, 0]);
    expect(a.ack()).toBe(true);
    expect(await readyNow(iterator)).toBeUndefined();
    const next = nextOf(subscription[Symbol.asyncIterator]());
    subscription.resume();
    expect(subscription.status().state).toBe("running");
    expect(source.session.wanted).toBeGreaterThan(0);
    source.session.deliver("b");
    expect((await next).id).toBe("b");
  });

  it("keeps what was on its way from the session until resume", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    expect(await readyNow(iterator)).toBeUndefined();
    subscription.pause();
    source.session.deliver("a");
    expect(await readyNow(subscription[Symbol.asyncIterator]())).toBeUndefined();
    subscription.resume();
    expect((await nextOf(subscription[Symbol.asyncIterator]())).id).toBe("a");
  });

  it("gives back what is nacked meanwhile, with the attempt counted", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a");
    const a = await nextOf(iterator);
    subscription.pause();
    a.nack();
    expect(subscription.status()).toMatchObject({ inFlight: 0, held: 0 });
    expect(source.session.givenBack.map(({ id, attempt }) => [id, attempt])).toEqual([["a", 2]]);
    const next = nextOf(iterator);
    subscription.resume();
    source.session.deliver("a"); // a broker that does not count
    expect([(await next).id, (await next).delivery.attempt]).toEqual(["a", 2]);
  });

  it("lets what failed meanwhile wait until it is due, though the broker hands it out at once", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a");
    const a = await nextOf(iterator);
    subscription.pause();
    const began = performance.now();
    a.nack({ delayMs: 60 });
    subscription.resume();
    source.session.deliver("a");
    expect([(await nextOf(iterator)).id, performance.now() - began >= 59]).toEqual(["a", true]);
  });

  it("takes no message that has neither place nor id for one that it gave back", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver({ id: "", place: null, payload: "one" });
    const one = await nextOf(iterator);
    subscription.pause();
    one.nack();
    subscription.resume();
    source.session.deliver({ id: "", place: null, payload: "other" });
    const other = await nextOf(iterator);
    expect([other.text(), other.delivery.attempt]).toEqual(["other", 1]);
  });

  it("gives back to the next session what there was none to take", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({}, { reconnect: { minDelayMs: 20, maxDelayMs: 20 } });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a", "b");
    const a = await nextOf(iterator);
    source.session.intake.fail(new Error("cut")); // what was delivered stays ours
    subscription.pause();
    a.nack();
    await vi.waitFor(() => expect(source.sessions).toHaveLength(2));
    await vi.waitFor(() =>
      expect(source.session.givenBack.map(({ id, attempt }) => [id, attempt]).sort()).toEqual([
        ["a", 2],
        ["b", 1],
      ]),
    );
  });

  it("survives a broken session", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    subscription[Symbol.asyncIterator]();
    subscription.pause();
    source.session.intake.fail(new Error("cut"));
    await vi.waitFor(() => expect(source.sessions).toHaveLength(2));
    expect([subscription.status().state, source.session.wanted]).toEqual(["paused", 0]);
  });
});
