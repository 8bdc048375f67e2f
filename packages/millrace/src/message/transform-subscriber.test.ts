import { describe, expect, it } from "vitest";
import { OptionError } from "../errors/index.ts";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Router } from "../router/index.ts";
import { harness } from "../testing/index.ts";
import { Message } from "./message.ts";
import { readMessages } from "./read-messages.ts";
import { transformSubscriber } from "./transform-subscriber.ts";

describe("transformSubscriber", () => {
  it("hands out changed views in order that share the verdict", async () => {
    await using pubsub = new MemoryPubSub({ persistent: true });
    await pubsub.publish(
      "t",
      Array.from({ length: 1000 }, (_, index) => new Message(String(index))),
    );
    const decorated = transformSubscriber((message) => {
      message.metadata.set("seen", message.text());
    })(pubsub);
    const subscription = await decorated.subscribe("t", { group: "g" });
    const { messages, complete } = await readMessages(subscription, { count: 1000 });
    expect(complete).toBe(true);
    expect(messages.map((message) => message.metadata.get("seen"))).toEqual(messages.map((_, index) => String(index)));
    await expect(messages[999]?.settled).resolves.toBe("acked");
    expect(subscription.status().inFlight).toBe(0);
  });

  it("transforms a redelivery from the original again", async () => {
    await using pubsub = new MemoryPubSub({ persistent: true });
    await pubsub.publish("t", new Message("m", { metadata: { count: "0" } }));
    const decorated = transformSubscriber((message) => {
      message.metadata.set("count", `${message.metadata.get("count")}1`);
    })(pubsub);
    const counts: (string | undefined)[] = [];
    for await (const message of await decorated.subscribe("t", { group: "g" })) {
      counts.push(message.metadata.get("count"));
      if (counts.length === 1) message.nack();
      else if (message.ack()) break;
    }
    expect(counts).toEqual(["01", "01"]);
  });

  it("gives a message whose transform throws back and hands it out again later, uncounted, with others in between", async () => {
    await using pubsub = new MemoryPubSub({ persistent: true });
    await pubsub.publish("t", [new Message("bad"), new Message("good")]);
    let failures = 0;
    const decorated = transformSubscriber((message) => {
      if (message.text() === "bad" && failures++ === 0) throw new Error("not now");
    })(pubsub);
    const subscription = await decorated.subscribe("t", { group: "g", maxInFlight: 2, orderBy: "none" });
    const { messages } = await readMessages(subscription, { count: 2 });
    expect(messages.map((message) => message.text())).toEqual(["good", "bad"]);
    expect(messages[1]?.delivery.attempt).toBe(1);
  });

  it("waits longer each time for a message whose transform keeps throwing, and costs it none of its handler's attempts", async () => {
    await using app = harness();
    const at: number[] = [];
    const began = app.now.getTime();
    const transform = transformSubscriber(() => {
      if (at.push(app.now.getTime() - began) <= 5) throw new Error("the key server is down");
    });
    const failure = { attempts: 2, minDelayMs: 1, maxDelayMs: 1, deadLetter: { publisher: app.pubsub, topic: "dead" } };
    const router = new Router({ subscriber: transform(app.pubsub), failure, logger: silentLogger });
    const attempts: number[] = [];
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      handle: ({ delivery }) => {
        if (attempts.push(delivery.attempt) === 1) throw new Error("a hiccup");
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", new Message("m"));
    await app.settled();
    expect(at.slice(0, 6)).toEqual([0, 100, 300, 700, 1500, 3100]);
    expect(attempts).toEqual([1, 2]);
    expect(app.published("dead")).toEqual([]);
    await app.run(router.close());
  });

  it("gives the message back whatever the transform throws, also when that cannot be shown", async () => {
    await using pubsub = new MemoryPubSub();
    let calls = 0;
    const transform = transformSubscriber(() => {
      if (++calls === 1) throw Object.create(null);
    });
    await using router = new Router({ subscriber: transform(pubsub), logger: silentLogger });
    const texts: string[] = [];
    router.addConsumerHandler({ name: "h", subscribe: "t", handle: (m) => void texts.push(m.text()) });
    await router.start();
    await pubsub.publish("t", new Message("m"));
    await router.idle();
    expect([calls, texts]).toEqual([2, ["m"]]);
  });

  it("closes at once although nobody reads", async () => {
    await using pubsub = new MemoryPubSub({ persistent: true });
    await pubsub.publish("t", [new Message("1"), new Message("2")]);
    const decorated = transformSubscriber(() => {})(pubsub);
    const subscription = await decorated.subscribe("t", { group: "g" });
    await decorated.close();
    expect(subscription.status().state).toBe("stopped");
    await expect(subscription.closed).resolves.toBeUndefined();
  });

  it("provisions where the subscriber can, and has no provision where it cannot", async () => {
    await using pubsub = new MemoryPubSub();
    const decorated = transformSubscriber(() => {})(pubsub);
    await decorated.provision?.("t", { group: "g" });
    await pubsub.publish("t", new Message("early"));
    const { messages } = await readMessages(await decorated.subscribe("t", { group: "g" }), { count: 1 });
    expect(messages[0]?.text()).toBe("early");
    const bare = { subscribe: pubsub.subscribe.bind(pubsub), close: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
    expect(transformSubscriber(() => {})(bare).provision).toBeUndefined();
  });

  it("refuses a missing transform when it is made", () => {
    expect(() => transformSubscriber(undefined as never)).toThrow(OptionError);
  });
});
