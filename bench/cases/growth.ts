import { MemoryPubSub, Message, Router } from "millrace";
import type { Case } from "../harness/case.ts";
import { Countdown } from "./countdown.ts";
import { Stopwatch } from "./stopwatch.ts";

export interface GrowthSettings {
  readonly count: number;
  readonly topics: number;
  readonly warmUp: number;
}

/** So many messages over so many topics, in turn, each topic with a handler of its own. */
export const run: Case<GrowthSettings> = async ({ count, topics, warmUp }) => {
  await send(warmUp, topics);
  return { ...(await send(count, topics)), maxRssBytes: process.resourceUsage().maxRSS * 1024 };
};

async function send(count: number, topics: number): ReturnType<typeof run> {
  const bus = new MemoryPubSub();
  const router = new Router({ subscriber: bus, owns: [bus] });
  const countdown = new Countdown(count);
  const names = Array.from({ length: topics }, (_, index) => `topic-${index}`);
  for (const name of names) router.addConsumerHandler({ name, subscribe: name, handle: () => countdown.count() });
  await router.start();
  const payload = new Uint8Array(16);
  const watch = new Stopwatch();
  for (let sent = 0, at = 0; sent < count; sent++) {
    await bus.publish(names[at] as string, new Message(payload));
    if (++at === topics) at = 0;
  }
  await countdown.done;
  const figures = watch.figures(count);
  await router.close();
  return figures;
}
