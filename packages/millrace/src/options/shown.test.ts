import { describe, expect, it } from "vitest";
import { defineEvent } from "../events/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import type { Message, SubscribeOptions } from "../message/index.ts";
import { Router, type RouterOptions } from "../router/index.ts";
import { shown } from "./shown.ts";

describe("what was given in the place of what is needed", () => {
  it("is shown as what it is, a text with its quotes, a promise with what is missing", () => {
    expect([shown("5"), shown(5), shown(() => {}), shown([]), shown({}), shown(null)]).toEqual(['"5"', "5", "a function", "an array", "an object", "null"]);
    expect(shown(Promise.resolve())).toBe("a promise: is an await missing?");
    const subscriber = Promise.resolve(new MemoryPubSub());
    expect(() => new Router({ subscriber } as unknown as RouterOptions)).toThrow(
      "subscriber must have the method subscribe, got a promise: is an await missing?",
    );
  });

  it("is told of publish and subscribe", async () => {
    await using bus = new MemoryPubSub();
    await expect(bus.publish("t", Promise.resolve() as unknown as Message)).rejects.toThrow(
      "messages[0] must be a Message, got a promise: is an await missing?",
    );
    await expect(bus.subscribe("t", "billing" as SubscribeOptions)).rejects.toThrow('MemoryPubSub.subscribe: options must be an object, got "billing"');
  });

  it("is told of an event in the place of its topic, on both sides of a handler", () => {
    const event = defineEvent("placed", { schema: { "~standard": { version: 1, vendor: "x", validate: (value: unknown) => ({ value }) } } });
    const router = new Router({ subscriber: new MemoryPubSub() });
    expect(() => router.addConsumerHandler({ name: "h", subscribe: event as unknown as string, handle: () => {} })).toThrow(
      'handler "h": subscribe is an event: give its topic',
    );
    expect(() => router.addHandler({ name: "h", subscribe: "t", publish: event as unknown as string, handle: () => {} })).toThrow(
      "publish is an event: give its topic",
    );
  });
});
