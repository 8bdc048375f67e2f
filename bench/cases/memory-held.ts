import { MemoryPubSub, Message, Router } from "millrace";
import type { Case } from "../harness/case.ts";

export interface MemoryHeldSettings {
  /** Messages in the buffer, which is made to hold as many. */
  readonly count: number;
}

/** Fills the buffer of one group, measures the heap, has everything handled, measures again. */
export const run: Case<MemoryHeldSettings> = async ({ count }) => {
  await cycle(count); // what the compiler and the first use of everything leave behind is not the messages'
  return await cycle(count);
};

async function cycle(count: number): ReturnType<typeof run> {
  const payload = new Uint8Array(16);
  const bus = new MemoryPubSub({ bufferSize: count });
  await bus.provision("topic", { group: "count" });
  const empty = heap();
  for (let sent = 0; sent < count; sent += 100)
    await bus.publish(
      "topic",
      Array.from({ length: 100 }, () => new Message(payload)),
    );
  const full = heap();
  const router = new Router({ subscriber: bus });
  router.addConsumerHandler({ name: "count", subscribe: "topic", handle: () => {} });
  await router.start();
  await router.idle();
  const drained = heap();
  await router.close();
  await bus.close();
  return { bytesPerMessage: (full - empty) / count, fullBytes: full - empty, leftBytes: drained - empty };
}

function heap(): number {
  if (globalThis.gc === undefined) throw new Error("this case needs node --expose-gc");
  for (let turn = 0; turn < 3; turn++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}
