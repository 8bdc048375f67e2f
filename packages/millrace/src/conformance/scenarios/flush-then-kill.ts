import { assertSameIds } from "../ids.ts";
import { allOf, needsGroups, needsWorker, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const flushThenKill: Scenario = {
  name: "flush-then-kill",
  title: "repeats nothing that was acked and flushed before the process was killed",
  proves: ["durable"],
  timeoutMs: 120_000,
  needs: (capabilities, setup) => allOf(needsGroups(capabilities), needsWorker(setup)),
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const messages = world.numbered(20);
    await pubsub.publish(world.topic, messages);
    const worker = await world.worker({ shortLease: true });
    const done = new Set<string>();
    while (done.size < 10) {
      await world.until(() => worker.received.some((id) => !done.has(id)), `the worker has message ${done.size} in hand`);
      const id = worker.received.find((candidate) => !done.has(candidate)) as string;
      worker.tell({ order: "ack", id });
      done.add(id);
    }
    worker.tell({ order: "flush" });
    await world.until(() => worker.has("flushed"), "the worker has flushed");
    await worker.kill();
    const probe = await world.watch(pubsub);
    const rest = idsOf(messages).filter((id) => !done.has(id));
    await probe.until(() => rest.every((id) => probe.acked.has(id)), "the next member has acked the others", world.patienceMs * 4);
    assertSameIds(probe.seen, rest, "messages of the next member");
  },
};
