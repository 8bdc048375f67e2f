import { type ConsumerHandler, type Middleware, Router, type Subscriber } from "millrace";
import type { Case } from "../harness/case.ts";
import { Countdown } from "./countdown.ts";
import { PlainSubscriber } from "./plain-subscriber.ts";
import { ReadySubscriber } from "./ready-subscriber.ts";
import { Stopwatch } from "./stopwatch.ts";

export interface RouterCostSettings {
  readonly count: number;
  readonly warmUp: number;
  /** Where the messages come from: the adapter layer without a broker, or a plain iterator. */
  readonly from: "adapter" | "plain";
  /** Who reads: `for await` with a call of the handler and an ack, or the router. */
  readonly reader: "loop" | "router";
  readonly handler: "sync" | "async";
  readonly concurrency: number;
  readonly middleware: number;
}

/** Messages that are ready, read by a loop or by the router. */
export const run: Case<RouterCostSettings> = async (settings) => {
  await read(settings, settings.warmUp);
  return await read(settings, settings.count);
};

async function read(settings: RouterCostSettings, count: number): ReturnType<typeof run> {
  const subscriber = settings.from === "adapter" ? new ReadySubscriber(count) : new PlainSubscriber(count);
  const countdown = new Countdown(count);
  const handle: ConsumerHandler = settings.handler === "sync" ? () => countdown.count() : async () => countdown.count();
  return settings.reader === "loop"
    ? await byLoop(settings, subscriber, handle, countdown, count)
    : await byRouter(settings, subscriber, handle, countdown, count);
}

async function byLoop(
  { concurrency }: RouterCostSettings,
  subscriber: Subscriber,
  handle: ConsumerHandler,
  { done }: Countdown,
  count: number,
): ReturnType<typeof run> {
  const subscription = await subscriber.subscribe("topic", { maxInFlight: concurrency });
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
  router.addConsumerHandler({ name: "count", subscribe: "topic", concurrency, handle });
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
