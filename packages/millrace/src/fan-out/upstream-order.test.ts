import { expect, it } from "vitest";
import { HandSource, nextOf, readyNow } from "../adapter/hand-source.fixture.ts";
import { silentLogger } from "../logger/index.ts";
import type { SubscribeOptions, Subscriber } from "../message/index.ts";
import { FanOut } from "./index.ts";

it("keeps in a branch the order that upstream keeps, which may be of more than a key", async () => {
  const source = new HandSource();
  const upstream: Subscriber = {
    // As a partition is: several keys, one order.
    subscribe: (_topic: string, options?: SubscribeOptions) => source.subscribe(options, { orderingKey: () => "partition 0" }),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  const fanOut = new FanOut({ subscriber: upstream, logger: silentLogger });
  const branch = await fanOut.subscribe("orders", { maxInFlight: 2 });
  await fanOut.start();
  source.session.deliver({ id: "a", key: "one" }, { id: "b", key: "another" });
  const iterator = branch[Symbol.asyncIterator]();
  const first = await nextOf(iterator);
  expect([first.id, await readyNow(iterator)]).toEqual(["a", undefined]);
  first.ack();
  expect((await nextOf(branch[Symbol.asyncIterator]())).id).toBe("b");
  await fanOut.close({ timeoutMs: 0 });
});
