import assert from "node:assert/strict";
import { laterTurn, monotonicMs } from "../../internal/timers.ts";
import type { Scenario } from "../scenario.ts";

export const nothingLeftOpen: Scenario = {
  name: "nothing-left-open",
  title: "leaves no timer, socket or file open after close()",
  alone: true,
  run: async (world) => {
    await useOnce(world); // what is opened once for the whole process (a resolver, a pool of threads) is open from here on
    await settled(() => true);
    const before = open();
    for (let round = 0; round < 10; round++) await useOnce(world);
    await settled(() => leftOver(before).length === 0);
    assert.deepEqual(leftOver(before), [], "kinds of resources of which more are open than before");
  },
};

async function useOnce(world: Parameters<Scenario["run"]>[0]): Promise<void> {
  const pubsub = await world.setup.create();
  const subscription = await pubsub.subscribe(world.topic, { group: world.group, maxInFlight: 4 });
  await pubsub.publish(world.topic, world.numbered(3));
  let left = 3;
  for await (const message of subscription) {
    if (left === 2 && world.capabilities.redelivers) message.nack({ delayMs: 1 });
    else message.ack();
    if (--left === 0) break;
  }
  await world.within(pubsub.close(), "close()");
}

function open(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

function leftOver(before: ReadonlyMap<string, number>): string[] {
  return [...open()].flatMap(([kind, count]) =>
    count > (before.get(kind) ?? 0) && kind !== "Immediate" ? [`${kind}: ${before.get(kind) ?? 0} → ${count}`] : [],
  );
}

/** Lets the event loop turn until the condition holds: closing a handle takes a few turns and tells nobody. At most two seconds. */
async function settled(done: () => boolean): Promise<void> {
  const began = monotonicMs();
  for (let turn = 0; turn < 5 || (!done() && monotonicMs() - began < 2000); turn++) await new Promise<void>((resolve) => laterTurn(resolve));
}
