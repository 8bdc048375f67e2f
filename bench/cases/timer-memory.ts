import { MemoryPubSub, Message, Router } from "millrace";
import type { Case } from "../harness/case.ts";
import { Countdown } from "./countdown.ts";
import { Lateness } from "./lateness.ts";
import { Stopwatch } from "./stopwatch.ts";

export interface TimerMemorySettings {
  readonly count: number;
  /** `live`: published while the handler runs. `replay`: all there from the start, in a persistent topic. */
  readonly mode: "live" | "replay";
}

/** A 10 ms interval while messages go through a synchronous handler as fast as they can. */
export const run: Case<TimerMemorySettings> = async ({ count, mode }) => {
  const bus = new MemoryPubSub({ persistent: mode === "replay" });
  const router = new Router({ subscriber: bus, owns: [bus] });
  const countdown = new Countdown(count);
  router.addConsumerHandler({ name: "count", subscribe: "topic", handle: () => countdown.count() });
  const payload = new Uint8Array(16);
  const publish = async (): Promise<void> => {
    for (let sent = 0; sent < count; sent++) await bus.publish("topic", new Message(payload));
  };
  if (mode === "replay") await publish();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const lateness = new Lateness();
  const watch = new Stopwatch();
  await router.start();
  if (mode === "live") await publish();
  await countdown.done;
  const figures = { ...watch.figures(count), ...lateness.stop() };
  await router.close();
  return figures;
};
