import type { Case } from "../harness/case.ts";
import { Countdown } from "./countdown.ts";
import type { GrowthSettings } from "./growth.ts";
import { Stopwatch } from "./stopwatch.ts";
import { YardstickBus, YardstickMessage, type YardstickSubscription } from "./yardstick-bus.ts";

/** The same on the yardstick, which waits as often: what more topics cost by themselves, because the processor's caches hold less of them. */
export const run: Case<GrowthSettings> = async ({ count, topics, warmUp }) => {
  await send(warmUp, topics);
  return { ...(await send(count, topics)), maxRssBytes: process.resourceUsage().maxRSS * 1024 };
};

async function send(count: number, topics: number): ReturnType<typeof run> {
  const bus = new YardstickBus(10_000);
  const countdown = new Countdown(count);
  const names = Array.from({ length: topics }, (_, index) => `topic-${index}`);
  for (const name of names) void read(bus.subscribe(name, 1), countdown);
  const payload = new Uint8Array(16);
  const watch = new Stopwatch();
  for (let sent = 0, at = 0; sent < count; sent++) {
    await bus.publish(names[at] as string, new YardstickMessage(payload));
    if (++at === topics) at = 0;
  }
  await countdown.done;
  return watch.figures(count);
}

async function read(subscription: YardstickSubscription, countdown: Countdown): Promise<void> {
  for await (const message of subscription) {
    countdown.count();
    message.ack();
  }
}
