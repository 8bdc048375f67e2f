import assert from "node:assert/strict";
import { monotonicMs } from "../../internal/timers.ts";
import { Message } from "../../message/index.ts";
import type { Scenario } from "../scenario.ts";
import { starvedMs } from "../starvation.ts";

const INTERVAL_MS = 10;
const LATEST_MS = 50;

export const bigBacklogTimerLateness: Scenario = {
  name: "big-backlog-timer-lateness",
  title: "runs a big backlog through a synchronous handler while a 10 ms interval is never more than 50 ms late",
  alone: true,
  timeoutMs: 300_000,
  run: async (world) => {
    const pubsub = await world.open();
    const count = world.limits.backlog ?? 200_000;
    const backlog = world.capabilities.replay || world.capabilities.durable;
    await world.prepare(pubsub);
    const publish = async (): Promise<void> => {
      const payload = new Uint8Array(16);
      for (let sent = 0; sent < count; sent += 1000) {
        await pubsub.publish(
          world.topic,
          Array.from({ length: Math.min(1000, count - sent) }, () => new Message(payload)),
        );
      }
    };
    if (backlog) await publish();
    const subscription = await world.subscribe(pubsub, { maxInFlight: 64, orderBy: "none" });
    const clock = watchLateness();
    const publishing = backlog ? undefined : publish();
    let handled = 0;
    try {
      for await (const message of subscription) {
        if (message.ack() && ++handled >= count) break;
      }
      await publishing;
    } finally {
      clock.stop();
    }
    assert.equal(handled, count);
    assert.ok(clock.latest() <= LATEST_MS, `a ${INTERVAL_MS} ms interval was ${clock.latest().toFixed(0)} ms late`);
  },
};

/** Watches an interval. Time in which this process was kept from the processor is not counted: it is not the adapter's doing. */
function watchLateness(): { latest(): number; stop(): void } {
  let at = monotonicMs();
  let starved = starvedMs();
  let latest = 0;
  const timer = globalThis.setInterval(() => {
    const elapsed = monotonicMs() - at;
    latest = Math.max(latest, elapsed - (starvedMs() - starved) - INTERVAL_MS);
    at = monotonicMs();
    starved = starvedMs();
  }, INTERVAL_MS);
  return { latest: () => latest, stop: () => globalThis.clearInterval(timer) };
}
