import { MemoryPubSub, Message, Router } from "millrace";
import type { Case } from "../harness/case.ts";
import { Countdown } from "./countdown.ts";
import { Stopwatch } from "./stopwatch.ts";

export interface MemoryWaySettings {
  readonly way: keyof typeof WAYS;
  readonly count: number;
  readonly warmUp: number;
}

const PER_CALL = 100;
const KEYS = 1000;
const GROUPS = 4;

/** Handlers beside the simple one. Each adds what it needs; `count` is to be called once a message. */
const WAYS = {
  batch: (router: Router, count: () => void): void => {
    router.addBatchHandler({
      name: "batch",
      subscribe: "topic",
      size: PER_CALL,
      maxWaitMs: 10,
      handle: (messages) => {
        for (let left = messages.length; left > 0; left--) count();
      },
    });
  },
  groups: (router: Router, count: () => void): void => {
    for (let group = 1; group < GROUPS; group++) router.addConsumerHandler({ name: `group-${group}`, subscribe: "topic", handle: () => {} });
    router.addConsumerHandler({ name: "counting", subscribe: "topic", handle: count });
  },
  keys: (router: Router, count: () => void): void => {
    router.addConsumerHandler({ name: "keys", subscribe: "topic", concurrency: 64, handle: async () => count() });
  },
  produce: (router: Router, count: () => void): void => chain(router, 0, count),
  pipeline: (router: Router, count: () => void): void => chain(router, 16, count),
};

function chain(router: Router, pipeline: number, count: () => void): void {
  router.addHandler({ name: "produce", subscribe: "topic", publish: "out", pipeline, handle: (message) => new Message(message.payload) });
  router.addConsumerHandler({ name: "count", subscribe: "out", handle: count });
}

/** From publish, a hundred a call, through handlers in the router until all have counted. */
export const run: Case<MemoryWaySettings> = async (settings) => {
  if (settings.warmUp > 0) await send(settings, settings.warmUp);
  return await send(settings, settings.count);
};

async function send({ way }: MemoryWaySettings, count: number): ReturnType<typeof run> {
  const bus = new MemoryPubSub();
  const router = new Router({ subscriber: bus, publisher: bus, owns: [bus] });
  const countdown = new Countdown(count);
  WAYS[way](router, () => countdown.count());
  await router.start();
  const payload = new Uint8Array(16);
  const keys = Array.from({ length: KEYS }, (_, key) => ({ key: `k-${key}` }));
  const watch = new Stopwatch();
  for (let sent = 0; sent < count; sent += PER_CALL)
    await bus.publish(
      "topic",
      Array.from({ length: PER_CALL }, (_, index) => new Message(payload, way === "keys" ? keys[(sent + index) % KEYS] : undefined)),
    );
  await countdown.done;
  await router.idle();
  const figures = watch.figures(count);
  await router.close();
  return figures;
}
