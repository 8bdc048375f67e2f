import { describe, expect, it } from "vitest";
import { MemoryPubSub, memoryCapabilities } from "../memory/index.ts";
import { Message, type SubscribeOptions, type Subscriber } from "../message/index.ts";
import { HandSubscriber, Rig } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };
const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A subscriber whose subscriptions take their time. */
function slowSubscriber(inner: Subscriber, ms: number): Subscriber {
  return {
    subscribe: async (topic, options) => {
      await turn(ms);
      return await inner.subscribe(topic, { ...options, signal: undefined });
    },
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

const _hangingSubscriber: Subscriber = {
  subscribe: () => new Promise(() => {}),
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

describe("start", () => {
  it("loses nothing of a chain over memory: no handler reads before all are subscribed", async () => {
    await using rig = new Rig();
    await rig.bus.provision("in", { group: "first" });
    const last: string[] = [];
    rig.router.addHandler({ name: "first", subscribe: "in", publish: "mid", handle: (message) => new Message(message.text()) });
    rig.router.addConsumerHandler({
      name: "second",
      subscribe: { subscriber: slowSubscriber(rig.bus, 20), topic: "mid" },
      handle: (message) => void last.push(message.text()),
    });
    await rig.send("in", "1", "2", "3", "4", "5");
    await rig.router.start();
    await rig.router.idle();
    expect(last).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("subscribes side by side: ten subscriptions of 60 ms take less than three of them", async () => {
    await using rig = new Rig();
    const subscriber = slowSubscriber(rig.bus, 60);
    for (let n = 0; n < 10; n++) rig.router.addConsumerHandler({ name: `h${n}`, subscribe: { subscriber, topic: "t" }, handle: () => {} });
    const began = performance.now();
    await rig.router.start();
    expect(performance.now() - began).toBeLessThan(180);
  });

  it("does not start what its owner stopped in the same turn, and close leaves nothing open", async () => {
    await using rig = new Rig({ failure: quick });
    const subscriber = new HandSubscriber();
    const seen: string[] = [];
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber, topic: "t" }, handle: (message) => void seen.push(message.text()) });
    const stopping = handle.stop();
    const starting = rig.router.start();
    await Promise.all([stopping, starting]);
    expect(subscriber.subscriptions).toEqual([]);
    expect(rig.router.health().handlers).toEqual({});
    await rig.router.close();
  });

  it("works after a close that came before it: started resolves, and health says running", async () => {
    await using rig = new Rig();
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await rig.router.close();
    await rig.router.start();
    await rig.router.started;
    await handle.started;
    expect(rig.router.health().handlers.a?.state).toBe("running");
  });

  it("names handlers without a group after the router's service, and warns once where a durable broker would share bare names", async () => {
    const bus = new MemoryPubSub();
    const durable: Subscriber = {
      capabilities: { ...memoryCapabilities, durable: true },
      subscribe: (topic, options) => bus.subscribe(topic, options),
      close: () => bus.close(),
      [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
    };
    await using rig = new Rig({ subscriber: durable });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    rig.router.addConsumerHandler({ name: "b", subscribe: "t", group: "own", handle: () => {} });
    await rig.router.start();
    expect(rig.logger.saying("has no service").map(({ fields }) => fields)).toEqual([expect.objectContaining({ handlers: "a" })]);
    await using named = new Rig({ subscriber: durable, service: "billing" });
    named.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await named.router.start();
    expect(named.logger.saying("has no service")).toEqual([]);
    expect(named.router.describe()).toMatchObject({ service: "billing", handlers: [{ group: "billing.a" }] });
  });

  it("subscribes without a group, from now on, where group is false", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, service: "billing" });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", group: false, handle: () => {} });
    await rig.router.start();
    expect(subscriber.options[0] as SubscribeOptions).toMatchObject({ group: undefined, from: "latest" });
    expect(rig.router.describe().handlers[0]?.group).toBe(false);
  });
});
