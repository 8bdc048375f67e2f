import type { Logger } from "../logger/index.ts";
import type { MiddlewareDoors, Taker } from "../message/doors.ts";
import type { Handler, Middleware } from "../message/index.ts";
import { safeOrder } from "../message/safe-order.ts";
import { Batched } from "./batched.ts";
import { compose } from "./compose.ts";
import type { FailurePolicy } from "./failure-policy.ts";
import { Failures } from "./failures.ts";
import type { BatchHandlerOptions, ProducingHandlerOptions } from "./handler-options.ts";
import { adapterName, checkTimeLimits, type HandlerSpec, singleHandler } from "./handler-spec.ts";
import { LostRuns } from "./lost-runs.ts";
import { OneByOne } from "./one-by-one.ts";
import { Outlet } from "./outlet.ts";
import { Pipelined } from "./pipelined.ts";
import type { Processor } from "./processor.ts";
import type { PublisherDecorator, SubscriberDecorator } from "./router-options.ts";
import { ABANDON_MS, Runner } from "./runner.ts";
import { StillRunning } from "./still-running.ts";

export interface Surroundings {
  readonly failure: FailurePolicy | undefined;
  readonly logger: Logger;
  readonly publisherDecorators: readonly PublisherDecorator[];
  readonly subscriberDecorators: readonly SubscriberDecorator[];
  readonly onGone: (finished: boolean) => void;
}

/** Puts one handler together: failure policy, outlet, middleware, the way it handles, and the runner that drives it. */
export function assemble(given: HandlerSpec, middleware: readonly Middleware[], around: Surroundings): Runner {
  checkTimeLimits(given, middleware);
  const { orderBy } = given.options;
  const spec: HandlerSpec =
    typeof orderBy === "function" ? { ...given, options: { ...given.options, orderBy: safeOrder(orderBy, given.topic, around.logger) } } : given;
  const lostRuns = new LostRuns();
  const stillRunning = middleware.some((one: Middleware & MiddlewareDoors) => one["millrace.timeLimitMs"] !== undefined) ? new StillRunning() : undefined;
  const subject = {
    handler: spec.name,
    topic: spec.topic,
    adapter: adapterName(spec.subscriber),
    logger: around.logger,
    lostRuns,
    stillRunning,
    abandonAfterMs: spec.options.abandonAfterMs ?? ABANDON_MS,
  };
  const failures = new Failures([around.failure, spec.options.failure], subject);
  // Decorators work in order of addition: the first publisher decorator is called first, the first subscriber decorator sees a message first.
  const subscriber = around.subscriberDecorators.reduce((inner, decorate) => decorate(inner), spec.subscriber);
  const taker: Taker = { handler: spec.name, publishTopic: spec.publishTopic };
  const publisher = spec.publisher === undefined ? undefined : around.publisherDecorators.reduceRight((inner, decorate) => decorate(inner), spec.publisher);
  const outlet = publisher === undefined ? undefined : new Outlet(publisher, spec.publishTopic as string, taker);
  const processor = makeProcessor(spec, middleware, failures, outlet, stillRunning);
  return new Runner({ spec, subscriber, processor, failures, lostRuns, logger: around.logger, onGone: around.onGone });
}

function makeProcessor(
  spec: HandlerSpec,
  middleware: readonly Middleware[],
  failures: Failures,
  outlet: Outlet | undefined,
  stillRunning: StillRunning | undefined,
): Processor {
  const { kind, options, name } = spec;
  if (kind === "batch") return new Batched(options as BatchHandlerOptions, middleware, failures, stillRunning);
  const single = singleHandler(kind, options as ProducingHandlerOptions);
  const handler: Handler = compose(name, stillRunning === undefined ? single : stillRunning.follow(single), middleware);
  const { pipeline = 0 } = options as ProducingHandlerOptions;
  if (pipeline > 0 && outlet !== undefined) return new Pipelined(options as ProducingHandlerOptions, handler, failures, outlet);
  return new OneByOne(options, handler, failures, outlet);
}
