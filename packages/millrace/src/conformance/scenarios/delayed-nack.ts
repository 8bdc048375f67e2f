import assert from "node:assert/strict";
import { monotonicMs } from "../../internal/timers.ts";
import { needsRedelivery, type Scenario } from "../scenario.ts";

const DELAY_MS = 200;

export const delayedNack: Scenario = {
  name: "delayed-nack",
  title: "waits the delay of a nack before it hands the message out again, ordered or not",
  needs: needsRedelivery,
  run: async (world) => {
    const pubsub = await world.open();
    await Promise.all(
      (["ordered", "unordered"] as const).map(async (kind) => {
        const topic = world.topicNamed(kind);
        const at: number[] = [];
        const probe = await world.watch(pubsub, {
          topic,
          ...(kind === "ordered" ? {} : { maxInFlight: 4, orderBy: "none" as const }),
          decide: ({ attempt }) => {
            at.push(monotonicMs());
            return attempt <= 2 ? { delayMs: DELAY_MS } : "ack";
          },
        });
        await pubsub.publish(topic, world.numbered(1));
        await probe.until(() => probe.acked.size >= 1, `the ${kind} message is acked at its third attempt`);
        assert.equal(at.length, 3, `${kind}: two nacks make three hand-outs, never a hot loop`);
        for (let index = 1; index < at.length; index++) {
          const waited = (at[index] as number) - (at[index - 1] as number);
          assert.ok(waited >= DELAY_MS - 5, `${kind}: handed out again after ${waited.toFixed(1)} ms instead of ${DELAY_MS}`);
        }
      }),
    );
  },
};
