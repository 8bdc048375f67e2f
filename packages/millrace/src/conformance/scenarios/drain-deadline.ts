import assert from "node:assert/strict";
import { MillraceError } from "../../errors/index.ts";
import { needsGroups, type Scenario } from "../scenario.ts";

export const drainDeadline: Scenario = {
  name: "drain-deadline",
  title: "aborts and gives back what is in hand at the drain's deadline",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const probe = await world.watch(pubsub, { decide: () => "hold" });
    await pubsub.publish(world.topic, world.numbered(1));
    await probe.until(() => probe.holding.size === 1, "one is in hand");
    const held = probe.handOuts[0]?.message;
    assert.ok(held !== undefined);
    const { signal, settled } = held;
    assert.equal(signal.aborted, false);
    await world.within(
      probe.subscription.drain({ timeoutMs: 50 }).catch(() => {}),
      "drain() with a deadline of 50 ms",
    );
    assert.equal(signal.aborted, true, "the signal aborts at the deadline");
    assert.ok(MillraceError.is(signal.reason), `the reason is a MillraceError, not ${signal.reason}`);
    assert.equal(held.ack(), false, "a verdict after the deadline is refused");
    assert.notEqual(await world.within(settled, "resolving `settled`"), "acked");
    const next = await world.watch(await world.open());
    await next.until(() => next.acked.has(held.id), "the next member has acked it");
  },
};
