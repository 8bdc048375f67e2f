import { EventEmitter } from "node:events";
import type { Case } from "../harness/case.ts";
import { Countdown } from "./countdown.ts";
import { type MemorySettings, sink } from "./memory-settings.ts";
import { Stopwatch } from "./stopwatch.ts";

interface Sent {
  readonly id: string;
  readonly payload: Uint8Array;
}

const BUFFER_SIZE = 4096;

/**
 * What one writes without a library: an emitter, an array as the queue, a loop that awaits. No copy, no verdict, no limit on what is in
 * flight but the number of loops; ids only where the handler reads one.
 */
export const run: Case<MemorySettings> = async (settings) => {
  await send(settings, settings.warmUp);
  return await send(settings, settings.count);
};

async function send({ bytes, handler, concurrency, ownPayload = false }: MemorySettings, count: number): ReturnType<typeof run> {
  const emitter = new EventEmitter();
  const queue: Sent[] = [];
  const countdown = new Countdown(count);
  const sleepers: (() => void)[] = [];
  let head = 0;
  let room: (() => void) | undefined;
  emitter.on("topic", (message: Sent) => {
    queue.push(message);
    sleepers.pop()?.();
  });
  const handle: (message: Sent) => void | Promise<void> =
    handler === "async"
      ? async () => countdown.count()
      : (message) => {
          sink.id = message.id;
          countdown.count();
        };
  const loop = async (): Promise<void> => {
    for (;;) {
      while (head < queue.length) {
        const message = queue[head++] as Sent;
        if (head === queue.length) {
          queue.length = 0;
          head = 0;
          room?.();
          room = undefined;
        }
        await handle(message);
      }
      await new Promise<void>((resolve) => sleepers.push(resolve));
    }
  };
  for (let started = 0; started < concurrency; started++) void loop();
  const payload = new Uint8Array(bytes);
  const watch = new Stopwatch();
  for (let sent = 0; sent < count; sent++) {
    emitter.emit("topic", { id: handler === "id" ? crypto.randomUUID() : "", payload: ownPayload ? new Uint8Array(bytes) : payload });
    if (queue.length - head >= BUFFER_SIZE) {
      await new Promise<void>((resolve) => {
        room = resolve;
      });
    }
  }
  await countdown.done;
  return watch.figures(count);
}
