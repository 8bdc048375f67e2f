import assert from "node:assert/strict";
import { MillraceError, SettleError } from "../../errors/index.ts";
import { openProxied } from "../proxied.ts";
import { needsProxy, type Scenario } from "../scenario.ts";

const DRAIN_MS = 1_000;
/** The time to drain, a little for the last verdicts and for the session, and a busy machine. */
const LATEST_MS = 4_000;

export const closeWhileBrokerIsDown: Scenario = {
  name: "close-while-broker-is-down",
  title: "closes within its drain time while the broker cannot be reached, and names the verdicts that are not durable",
  timeoutMs: 120_000,
  needs: (_capabilities, setup) => needsProxy(setup),
  run: async (world) => {
    const { pubsub, proxy } = await openProxied(world);
    const probe = await world.watch(pubsub, { decide: () => "hold" });
    await pubsub.publish(world.topic, world.numbered(2));
    await probe.until(() => probe.holding.size === 1, "one is in hand");
    proxy.refuse();
    world.unsettled = true;
    const held = probe.handOuts[0]?.message;
    assert.ok(held !== undefined);
    const place = held.delivery.position ?? held.id;
    const lost = held.settled.then((verdict) => verdict === "lost");
    const holds = probe.settle(held.id);
    const drained = await world.within(failureOf(probe.subscription.drain({ timeoutMs: DRAIN_MS })), "drain() with the broker down", LATEST_MS * world.pace);
    // A broker that takes back what a broken connection had leaves no verdict to be made durable.
    if (holds && !(await lost)) {
      assert.ok(drained instanceof Error, "drain() rejects, since the ack is not durable");
      assert.ok(drained instanceof SettleError ? drained.positions.includes(place) : MillraceError.is(drained), `it says so: ${drained}`);
    }
    await world.within(failureOf(pubsub.close()), "close() with the broker down", LATEST_MS * world.pace);
  },
};

async function failureOf(promise: Promise<void>): Promise<unknown> {
  return await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
