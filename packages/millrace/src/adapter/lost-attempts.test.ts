import { describe, expect, it } from "vitest";
import { HandSource, nextOf } from "./hand-source.fixture.ts";

describe("a message whose delivery was lost", () => {
  it.each([
    { name: "of one lane", options: {} },
    { name: "of a lane by key", options: { maxInFlight: 4 } },
    { name: "without order", options: { maxInFlight: 4, orderBy: "none" as const } },
  ])("keeps its attempts and the moment at which it is due, when it comes again, $name", async ({ options }) => {
    const source = new HandSource();
    const subscription = await source.subscribe(options);
    const iterator = subscription[Symbol.asyncIterator]();
    const { session } = source;
    session.deliver({ id: "a", key: "k" });
    (await nextOf(iterator)).nack();
    const began = performance.now();
    (await nextOf(iterator)).nack({ delayMs: 60 });
    session.intake.lose();
    session.deliver({ id: "a", key: "k" }); // a broker that does not count
    const again = await nextOf(iterator);
    expect([again.id, again.delivery.attempt, performance.now() - began >= 59]).toEqual(["a", 3, true]);
  });

  it("keeps its attempts when it was in hand", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a");
    (await nextOf(iterator)).nack();
    const second = await nextOf(iterator);
    source.session.intake.lose();
    expect(await second.settled).toBe("lost");
    source.session.deliver("a");
    expect((await nextOf(iterator)).delivery.attempt).toBe(2);
  });

  it("keeps its attempts when its session took it back for another member, and it comes again", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a", "b");
    (await nextOf(iterator)).nack({ delayMs: 1 });
    expect(source.session.intake.recall(() => true).map(({ id, attempt }) => [id, attempt])).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
    source.session.deliver("a", "b");
    const a = await nextOf(iterator);
    expect([a.id, a.delivery.attempt]).toEqual(["a", 2]);
    a.ack();
    const b = await nextOf(iterator);
    expect([b.id, b.delivery.attempt]).toEqual(["b", 1]);
  });

  it("keeps its attempts when it was to go back to the broker, which did not take it and gives it out again", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 4, orderBy: "none" }, { returns: true });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a");
    const began = performance.now();
    (await nextOf(iterator)).nack({ delayMs: 60 });
    await subscription.flush();
    expect(source.session.told).toEqual(["return a"]);
    source.session.deliver("a");
    const again = await nextOf(iterator);
    expect([again.delivery.attempt, performance.now() - began >= 59]).toEqual([2, true]);
  });
});
