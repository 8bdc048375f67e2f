import { describe, expect, it, vi } from "vitest";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "../message/index.ts";
import { Router } from "../router/index.ts";
import { FanOut } from "./index.ts";

describe("a fan-out that nobody has started", () => {
  it("says in the health of whoever reads it that it waits to be started, until it is", async () => {
    const bus = new MemoryPubSub({ persistent: true });
    const fanOut = new FanOut({ subscriber: bus, topics: ["orders"], logger: silentLogger });
    const router = new Router({ subscriber: fanOut, logger: silentLogger });
    const seen: string[] = [];
    for (const name of ["bill", "ship"]) router.addConsumerHandler({ name, subscribe: "orders", handle: (message) => void seen.push(message.text()) });
    await router.start();
    await bus.publish("orders", new Message("1"));
    const waits = { detail: "the fan-out waits to be started: call its start()" };
    await vi.waitFor(() => {
      expect(router.health().handlers).toMatchObject({ bill: { state: "blocked", ...waits }, ship: { state: "blocked", ...waits } });
    });
    expect(fanOut.health()).toMatchObject({ ready: false, handlers: { fan_out_orders: { state: "starting", ...waits } } });
    await fanOut.start();
    expect(router.health().handlers).toMatchObject({ bill: { state: "running", detail: undefined }, ship: { state: "running", detail: undefined } });
    await bus.publish("orders", new Message("2"));
    await router.idle();
    expect(seen.sort()).toEqual(["1", "1", "2", "2"]);
    expect(fanOut.health().handlers.fan_out_orders).toMatchObject({ state: "running", detail: undefined });
    await router.close();
    await fanOut.close();
    await bus.close();
  });
});
