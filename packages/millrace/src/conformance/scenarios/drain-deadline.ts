import assert from "node:assert/strict";
import { MillraceError } from "../../errors/index.ts";
import { monotonicMs } from "../../internal/timers.ts";
import { needsGroups, type Scenario } from "../scenario.ts";

const DEADLINE_MS = 200;

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
    const began = monotonicMs();
    let abortedAfterMs = 0;
    signal.addEventListener("abort", () => {
      abortedAfterMs = monotonicMs() - began;
    });
    await world.within(
      probe.subscription.drain({ timeoutMs: DEADLINE_MS }),
      `drain() with a deadline of ${DEADLINE_MS} ms`,
      (DEADLINE_MS + 1_000) * world.pace,
    );
    assert.equal(signal.aborted, true, "the signal aborts at the deadline");
    assert.ok(abortedAfterMs >= DEADLINE_MS - 5, `it aborted after ${abortedAfterMs.toFixed(0)} ms, before the deadline`);
    assert.ok(MillraceError.is(signal.reason), `the reason is a MillraceError, not ${signal.reason}`);
    assert.equal(held.ack(), false, "a verdict after the deadline is refused");
    assert.notEqual(await world.within(settled, "resolving `settled`"), "acked");
    const next = await world.watch(await world.open());
    await world.promptly(() => next.acked.has(held.id), "the next member has acked it");
    assert.deepEqual(next.attemptsOf(held.id), [1], "giving back counts no attempt");
  },
};
