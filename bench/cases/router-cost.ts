import { type ConsumerHandler, MemoryPubSub, Message, type Middleware, Router, type Subscriber } from "millrace";
import type { Case } from "../harness/case.ts";
import { Countdown } from "./countdown.ts";
import { Stopwatch } from "./stopwatch.ts";

export interface RouterCostSettings {
  readonly count: number;
  readonly warmUp: number;
  /**
   * Where the messages come from: the adapter layer without a broker, or an iterator of its messages; or, by the public contract alone,
   * a full buffer in memory, or an iterator of messages that are not ours.
   */
  readonly from: "adapter" | "plain" | "memory" | "foreign";
  /** Who reads: `for await` with a call of the handler and an ack, or the router. */
  readonly reader: "loop" | "router";
  readonly handler: "sync" | "async";
  readonly concurrency: number;
  readonly middleware: number;
}

const GROUP = "count";
const PER_CALL = 1000;

/** Messages that are ready, read by a loop or by the router. */
export const run: Case<RouterCostSettings> = async (settings) => {
  if (settings.warmUp > 0) await read(settings, settings.warmUp);
  return await read(settings, settings.count);
};

async function read(settings: RouterCostSettings, count: number): ReturnType<typeof run> {
  const subscriber = await ready(settings.from, count);
  const countdown = new Countdown(count);
  const handle: ConsumerHandler = settings.handler === "sync" ? () => countdown.count() : async () => countdown.count();
  return settings.reader === "loop"
    ? await byLoop(settings, subscriber, handle, countdown, count)
    : await byRouter(settings, subscriber, handle, countdown, count);
}

/** Loaded only when asked for: what needs no more than the public contract also runs on other versions of the adapter layer. */
async function ready(from: RouterCostSettings["from"], count: number): Promise<Subscriber> {
  if (from === "adapter") return new (await import("./ready-subscriber.ts")).ReadySubscriber(count);
  if (from === "plain") return new (await import("./plain-subscriber.ts")).PlainSubscriber(count);
  if (from === "foreign") return new (await import("./foreign-subscriber.ts")).ForeignSubscriber(count);
  const bus = new MemoryPubSub({ bufferSize: count });
  await bus.provision("topic", { group: GROUP });
  const calls = Array<Message>(PER_CALL).fill(new Message(new Uint8Array(16)));
  for (let sent = 0; sent < count; sent += PER_CALL) await bus.publish("topic", calls);
  return bus;
}

async function byLoop(
  { concurrency }: RouterCostSettings,
  subscriber: Subscriber,
  handle: ConsumerHandler,
  { done }: Countdown,
  count: number,
): ReturnType<typeof run> {
  const subscription = await subscriber.subscribe("topic", { group: GROUP, maxInFlight: concurrency });
  const watch = new Stopwatch();
  const reading = (async () => {
    for await (const message of subscription) {
      try {
        const pending = handle(message);
        if (pending !== undefined) await pending;
        message.ack();
      } catch {
        message.nack();
      }
    }
  })();
  await done;
  const figures = watch.figures(count);
  await subscription.close();
  await reading;
  return figures;
}

async function byRouter(
  { concurrency, middleware }: RouterCostSettings,
  subscriber: Subscriber,
  handle: ConsumerHandler,
  { done }: Countdown,
  count: number,
): ReturnType<typeof run> {
  const router = new Router({ subscriber });
  // Ten functions, not one ten times over: as ten middlewares are.
  for (let made = 0; made < middleware; made++) router.addMiddleware(noOp());
  router.addConsumerHandler({ name: "count", group: GROUP, subscribe: "topic", concurrency, handle });
  const watch = new Stopwatch();
  await router.start();
  await done;
  const figures = watch.figures(count);
  await router.close();
  return figures;
}

function noOp(): Middleware {
  return (next) => (message) => next(message);
}
