import { describe, expect, it } from "vitest";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "../message/index.ts";
import { FanOut } from "./index.ts";

describe("a fan-out whose upstream does not answer", () => {
  for (const end of ["close", "dispose"] as const) {
    it(`ends in its time by ${end}, and whoever waits for it to start is told`, async () => {
      const upstream = { subscribe: () => new Promise<never>(() => {}), close: async () => {}, [Symbol.asyncDispose]: async () => {} };
      const fanOut = new FanOut({ subscriber: upstream, topics: ["orders"], logger: silentLogger });
      const waiting = Promise.allSettled([fanOut.start(), fanOut.subscribe("orders", { group: "g" }), fanOut.provision("orders")]);
      await new Promise((resolve) => setImmediate(resolve));
      await (end === "close" ? fanOut.close({ timeoutMs: 50 }) : fanOut[Symbol.asyncDispose]());
      expect((await waiting).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    });
  }
});

describe("a fan-out that is closed twice", () => {
  it("ends in the shorter time, though a branch's handler goes on", async () => {
    const bus = new MemoryPubSub();
    const fanOut = new FanOut({ subscriber: bus, topics: ["orders"], logger: silentLogger });
    const subscription = await fanOut.subscribe("orders", { group: "g" });
    await fanOut.start();
    await bus.publish("orders", new Message("1"));
    const { value: message } = await subscription[Symbol.asyncIterator]().next();
    const began = performance.now();
    const first = fanOut.close({ timeoutMs: 20_000 });
    await fanOut.close({ timeoutMs: 20 });
    await first;
    expect(performance.now() - began).toBeLessThan(2000);
    expect(message.ack()).toBe(false);
    await bus.close();
  });
});
