import assert from "node:assert/strict";
import { monotonicMs } from "../../internal/timers.ts";
import { allOf, need, needsGroups, needsRedelivery, type Scenario } from "../scenario.ts";

/** More than the second after which a queue that was made just now survives a kill of the broker. */
const DELAY_MS = 1500;

export const nativeDelay: Scenario = {
  name: "native-delay",
  title: "keeps the delay of a nacked message at the broker when the member that nacked it is gone",
  proves: ["nativeDelay"],
  needs: (capabilities) =>
    allOf(need(capabilities.nativeDelay, "the broker holds no delayed messages"), needsGroups(capabilities), needsRedelivery(capabilities)),
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    let at = 0;
    const first = await world.watch(pubsub, {
      maxInFlight: 2,
      orderBy: "none",
      decide: () => {
        at = monotonicMs();
        return { delayMs: DELAY_MS };
      },
    });
    await pubsub.publish(world.topic, world.numbered(1));
    await first.until(() => at > 0, "it is nacked");
    first.subscription.pause(); // should the flush take longer than the delay
    await first.subscription.flush();
    await first.subscription[Symbol.asyncDispose]();
    const next = await world.watch(await world.open(), { maxInFlight: 2, orderBy: "none" });
    await next.until(() => next.acked.size >= 1, "the next member is given it");
    const waited = monotonicMs() - at;
    assert.ok(waited >= DELAY_MS - 5, `it is handed out after ${waited.toFixed(0)} ms instead of ${DELAY_MS}`);
    assert.equal(first.handOuts.length, 1);
  },
};
