import { MemoryPubSub, Message, Router } from "millrace";
import type { Case } from "../harness/case.ts";
import { Countdown } from "./countdown.ts";
import { type MemorySettings, sink } from "./memory-settings.ts";
import { Stopwatch } from "./stopwatch.ts";

/** `MemoryPubSub` and `Router` as a user has them: publish → handler → ack. */
export const run: Case<MemorySettings> = async (settings) => {
  if (settings.warmUp > 0) await send(settings, settings.warmUp);
  return await send(settings, settings.count);
};

async function send({ bytes, handler, concurrency, perCall = 1, ownPayload = false }: MemorySettings, count: number): ReturnType<typeof run> {
  const bus = new MemoryPubSub();
  const router = new Router({ subscriber: bus, owns: [bus] });
  const countdown = new Countdown(count);
  router.addConsumerHandler({
    name: "count",
    subscribe: "topic",
    concurrency,
    handle:
      handler === "async"
        ? async () => countdown.count()
        : handler === "id"
          ? (message) => {
              sink.id = message.id;
              countdown.count();
            }
          : () => countdown.count(),
  });
  await router.start();
  const payload = new Uint8Array(bytes);
  const message = (): Message => new Message(ownPayload ? new Uint8Array(bytes) : payload);
  const watch = new Stopwatch();
  if (perCall === 1) for (let sent = 0; sent < count; sent++) await bus.publish("topic", message());
  else for (let sent = 0; sent < count; sent += perCall) await bus.publish("topic", Array.from({ length: Math.min(perCall, count - sent) }, message));
  await countdown.done;
  const figures = watch.figures(count);
  await router.close();
  return figures;
}
