import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import type { HandlerCall } from "../message/in-hand.ts";
import { contextKey } from "../message/index.ts";
import { HandSource, nextOf } from "./hand-source.fixture.ts";
import type { Received } from "./received.ts";

async function handedOut(): Promise<{ source: HandSource; message: Received<string>; again: () => Promise<Received<string>> }> {
  const source = new HandSource();
  const subscription = await source.subscribe();
  const iterator = subscription[Symbol.asyncIterator]();
  source.session.deliver({ id: "m", key: "k", payload: '{"n":1}', metadata: { tenant: "acme" } });
  const message = (await nextOf(iterator)) as Received<string>;
  return { source, message, again: async () => (await nextOf(iterator)) as Received<string> };
}

const callThatOnlyListens: HandlerCall = {
  onVerdict: () => {},
  rest: async (run) => await run(new AbortController().signal),
  resting: false,
  onRest: () => () => {},
};

describe("a verdict", () => {
  it("is the first one that is given", async () => {
    const { message: acked } = await handedOut();
    expect([acked.ack(), acked.ack(), acked.nack(), acked.verdict]).toEqual([true, true, false, "acked"]);
    const { message: nacked } = await handedOut();
    expect([nacked.nack(), nacked.nack(), nacked.ack(), nacked.verdict]).toEqual([true, true, false, "nacked"]);
  });

  it("is refused once the delivery may belong to another", async () => {
    const { source, message } = await handedOut();
    source.session.lost.add("m");
    expect([message.ack(), message.nack(), message.verdict]).toEqual([false, false, "lost"]);
    expect(await message.settled).toBe("lost");
    expect(source.session.told).toEqual([]);
  });

  it("is refused after the session lost the delivery, and the broker hears nothing", async () => {
    const { source, message } = await handedOut();
    source.session.intake.lose(({ id }) => id === "m");
    expect([message.ack(), message.nack()]).toEqual([false, false]);
    expect(source.session.told).toEqual([]);
  });

  it("shows in settled, asked for before or after it", async () => {
    const { message: early } = await handedOut();
    const { settled } = early;
    early.ack();
    expect(await settled).toBe("acked");
    const { message: late } = await handedOut();
    late.nack();
    expect(await late.settled).toBe("nacked");
  });
});

describe("the signal of a message", () => {
  it("aborts with a MillraceError when a verdict is given outside a router", async () => {
    for (const give of [(m: Received<string>) => m.ack(), (m: Received<string>) => m.nack()]) {
      const { message } = await handedOut();
      const { signal } = message;
      expect(signal.aborted).toBe(false);
      give(message);
      expect(signal.reason).toMatchObject({ code: "HANDLING_ENDED" });
      expect(MillraceError.is(signal.reason)).toBe(true);
    }
  });

  it("is aborted from birth when it is asked for after the verdict", async () => {
    const { message } = await handedOut();
    message.ack();
    expect(message.signal.reason).toMatchObject({ code: "HANDLING_ENDED" });
  });

  it("lives on after a verdict inside a running handler, until the handler has ended", async () => {
    const { message } = await handedOut();
    message.begin(callThatOnlyListens, { handler: "charge", publishTopic: undefined });
    const { signal } = message;
    message.ack();
    expect(signal.aborted).toBe(false);
    message.end();
    expect(signal.reason).toMatchObject({ code: "HANDLING_ENDED" });
  });

  it("aborts with DELIVERY_LOST when the delivery is lost", async () => {
    const { source, message } = await handedOut();
    const { signal } = message;
    source.session.intake.lose();
    expect(signal.reason).toMatchObject({ code: "DELIVERY_LOST" });
  });

  it("aborts for every delivery that is lost, also when whoever is told of the first settles the next", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 3, orderBy: "none" });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a", "b", "c");
    const messages = [await nextOf(iterator), await nextOf(iterator), await nextOf(iterator)];
    const [first, second] = messages;
    first?.signal.addEventListener("abort", () => second?.ack());
    source.session.intake.lose(() => true);
    expect(messages.map(({ signal }) => signal.aborted)).toEqual([true, true, true]);
    expect(await messages[2]?.settled).toBe("lost");
    expect(subscription.status()).toMatchObject({ inFlight: 0, held: 0 });
  });

  it("keeps its first reason", async () => {
    const { source, message } = await handedOut();
    const { signal } = message;
    source.session.intake.lose();
    message.end(new Error("later"));
    expect(signal.reason).toMatchObject({ code: "DELIVERY_LOST" });
  });
});

describe("a redelivery", () => {
  it("is a new object with the original bytes and metadata and one attempt more", async () => {
    const { message, again } = await handedOut();
    message.metadata.set("tenant", "changed");
    message.metadata.set("extra", "1");
    message.nack();
    const next = await again();
    expect(next).not.toBe(message);
    expect([next.id, next.key, next.text(), [...next.metadata]]).toEqual(["m", "k", '{"n":1}', [["tenant", "acme"]]]);
    expect([next.delivery.attempt, next.verdict, next.signal.aborted]).toEqual([2, undefined, false]);
    expect(next.ack()).toBe(true);
    expect(message.verdict).toBe("nacked");
  });

  it("comes with the same attempt after it was handed back", async () => {
    const { message, again } = await handedOut();
    expect(message.nack({ uncounted: true })).toBe(true);
    expect(message.ack()).toBe(false);
    expect((await again()).delivery.attempt).toBe(1);
  });
});

describe("a derived view", () => {
  it("shares id, payload and verdict, and has its own signal, metadata and context", async () => {
    const { message } = await handedOut();
    const user = contextKey<string>("user");
    const controller = new AbortController();
    const view = message.derive({ signal: controller.signal, metadata: { only: "this" }, context: [[user, "ann"]] });
    expect([view.id, view.key, view.payload === message.payload, view.signal === controller.signal]).toEqual(["m", "k", true, true]);
    expect([[...view.metadata], [...message.metadata]]).toEqual([[["only", "this"]], [["tenant", "acme"]]]);
    expect([view.get(user), message.get(user), view.get(contextKey("user"))]).toEqual(["ann", undefined, undefined]);
    expect([view.ack(), message.nack(), view.nack(), message.verdict]).toEqual([true, false, false, "acked"]);
    expect(await view.settled).toBe("acked");
    expect([view.json(), view.text(), view.delivery.topic]).toEqual([{ n: 1 }, '{"n":1}', "orders"]);
  });

  it("of a view sees through to what was derived before", async () => {
    const { message } = await handedOut();
    const [user, tenant] = [contextKey<string>("user"), contextKey<string>("tenant")];
    const view = message.derive({ context: [[user, "ann"]] }).derive({ context: [[tenant, "acme"]], metadata: { a: "1" } });
    expect([view.get(user), view.get(tenant), view.metadata.get("a")]).toEqual(["ann", "acme", "1"]);
    const other = view.derive({ context: [[user, "bob"]] });
    expect([other.get(user), view.get(user), other.metadata.get("a")]).toEqual(["bob", "ann", "1"]);
  });

  it("aborts with the message when it has no signal of its own", async () => {
    const { message } = await handedOut();
    const { signal } = message.derive({ metadata: {} });
    message.ack();
    expect(signal.aborted).toBe(true);
  });
});

describe("a received message", () => {
  it("tells where it came from", async () => {
    const { message } = await handedOut();
    expect(message.delivery).toEqual({ topic: "orders", attempt: 1, group: undefined, position: "at-m" });
  });

  it("copies into a fresh message that has its id, key and metadata", async () => {
    const { message } = await handedOut();
    const copy = message.copy({ key: "other", metadata: { x: "y" } });
    expect([copy.id, copy.key, [...copy.metadata], copy.text()]).toEqual(["m", "other", [["x", "y"]], '{"n":1}']);
    expect("ack" in copy).toBe(false);
  });
});
