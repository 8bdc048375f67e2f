import type { Case } from "../harness/case.ts";
import { Countdown } from "./countdown.ts";
import { type MemorySettings, sink } from "./memory-settings.ts";
import { Stopwatch } from "./stopwatch.ts";
import { YardstickBus, YardstickMessage, type YardstickSubscription } from "./yardstick-bus.ts";

type Handle = (message: YardstickMessage) => void | Promise<void>;

const BUFFER_SIZE = 4096;

/** The yardstick: loops that call a handler on the barest bus. Its publisher waits only when told to, unless `awaitEach` is set. */
export const run: Case<MemorySettings> = async (settings) => {
  await send(settings, settings.warmUp);
  return await send(settings, settings.count);
};

async function send({ bytes, handler, concurrency, ownPayload = false, awaitEach = false }: MemorySettings, count: number): ReturnType<typeof run> {
  const bus = new YardstickBus(BUFFER_SIZE);
  const subscription = bus.subscribe("topic", concurrency);
  const countdown = new Countdown(count);
  const handle: Handle =
    handler === "async"
      ? async () => countdown.count()
      : handler === "id"
        ? (message) => {
            sink.id = message.id;
            countdown.count();
          }
        : () => countdown.count();
  for (let loop = 0; loop < concurrency; loop++) void read(subscription, handle);
  const payload = new Uint8Array(bytes);
  const watch = new Stopwatch();
  for (let sent = 0; sent < count; sent++) {
    const full = bus.publish("topic", new YardstickMessage(ownPayload ? new Uint8Array(bytes) : payload));
    if (awaitEach || full !== undefined) await full;
  }
  await countdown.done;
  return watch.figures(count);
}

async function read(subscription: YardstickSubscription, handle: Handle): Promise<void> {
  for await (const message of subscription) {
    try {
      const pending = handle(message);
      if (pending !== undefined) await pending;
      message.ack();
    } catch {
      message.nack();
    }
  }
}
