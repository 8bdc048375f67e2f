import type { Logger } from "../logger/index.ts";
import { adapterName } from "../message/adapter-name.ts";
import { orderingKeyOf } from "../message/in-hand.ts";
import type { Handler, HandlerIdentity, Middleware, Publisher, ReceivedMessage, SubscribeOptions } from "../message/index.ts";
import { safeOrder } from "../message/safe-order.ts";
import { Desk } from "./calls/desk.ts";
import type { FailurePolicy } from "./failure-policy.ts";
import { Feed } from "./feed.ts";
import type { BatchHandlerOptions, HandlerOptions, ProducingHandlerOptions } from "./handler-options.ts";
import { checkMiddleware, type HandlerSpec } from "./handler-spec.ts";
import { Batched } from "./handling/batched.ts";
import { compose } from "./handling/compose.ts";
import { follow } from "./handling/follow.ts";
import type { HandlingMode } from "./handling/handling-mode.ts";
import { OneByOne } from "./handling/one-by-one.ts";
import { Outlet } from "./handling/outlet.ts";
import { Pipelined } from "./handling/pipelined.ts";
import { Judge } from "./judge.ts";
import type { Observers } from "./observers.ts";
import type { PublisherDecorator, SubscriberDecorator } from "./router-options.ts";
import { Runner } from "./runner.ts";

/** Default of `abandonAfterMs`. */
const ABANDON_MS = 30_000;

export interface Surroundings {
  readonly service: string | undefined;
  readonly failure: FailurePolicy | undefined;
  readonly observers: Observers;
  readonly publisherDecorators: readonly PublisherDecorator[];
  readonly subscriberDecorators: readonly SubscriberDecorator[];
  readonly onGone: (lostBy?: Error) => void;
  readonly onStatus: () => void;
}

/** Puts one run of a handler together: failure policy, outlet, middleware, the way it handles, and the feeds of its topics. */
export function assemble(spec: HandlerSpec, desk: Desk, middleware: readonly Middleware[], around: Surroundings): Runner {
  checkMiddleware(spec, middleware);
  const judge = new Judge([around.failure, spec.options.failure], desk);
  const deadLetter = desk.failing.policy.deadLetter?.topic ?? "";
  if (spec.topics.includes(deadLetter)) {
    const text = "the dead letter has the name of a topic that the handler reads: should they be one, what fails comes back for ever; name another topic";
    desk.log("warn", undefined, { deadLetter }, text); // on one pub/sub it was refused
  }
  // Decorators work in order of addition: the first publisher decorator is called first, the first subscriber decorator sees a message first.
  const subscriber = around.subscriberDecorators.reduce((inner, decorate) => decorate(inner), spec.subscriber);
  const publisher = spec.publisher === undefined ? undefined : around.publisherDecorators.reduceRight((inner, decorate) => decorate(inner), spec.publisher);
  const mode = handlingMode(spec, desk, middleware, judge, outletOf(spec, publisher, around));
  const options: SubscribeOptions = {
    ...mode.demands,
    group: spec.group,
    // Without a group nobody has missed anything: the beginning is now.
    from: spec.options.from ?? (spec.group === undefined ? "latest" : undefined),
    undecodable: judge.undecodable(),
  };
  const { onStatus } = around;
  let gone = 0;
  const onGone = (lostBy?: Error): void => {
    gone++;
    if (gone === spec.topics.length || lostBy !== undefined) around.onGone(lostBy); // one that has been read to its end does not end the others
  };
  const slotEach = usesSlotEach(spec);
  const feeds = spec.topics.map((topic) => new Feed({ topic, subscriber, options, desk, mode, slotEach, onGone, onStatus }));
  return new Runner({ desk, mode, feeds });
}

function outletOf(spec: HandlerSpec, publisher: Publisher | undefined, { service, observers }: Surroundings): Outlet | undefined {
  if (publisher === undefined) return undefined;
  return new Outlet(publisher, spec.publishTopics, { service, handler: spec.name, group: spec.group }, observers);
}

function handlingMode(spec: HandlerSpec, desk: Desk, middleware: readonly Middleware[], judge: Judge, outlet: Outlet | undefined): HandlingMode {
  const { kind, options, name } = spec;
  if (kind === "batch") return new Batched(options as BatchHandlerOptions, middleware, judge, desk);
  const handle = options.handle as Handler;
  const handler = middleware.length === 0 ? handle : compose(name, follow(handle), middleware);
  if (isPipelined(spec) && outlet !== undefined) {
    return new Pipelined(options as ProducingHandlerOptions, handler, judge, outlet, desk, laneOf(options));
  }
  return new OneByOne(options, { handler, consumer: kind === "consumer", judge, outlet, desk });
}

/** A batch, or a handler with a pipeline, takes a slot when it runs; others when a message is read. */
function usesSlotEach(spec: HandlerSpec): boolean {
  return spec.kind !== "batch" && !isPipelined(spec);
}

function isPipelined({ options }: HandlerSpec): boolean {
  return ((options as ProducingHandlerOptions).pipeline ?? 0) > 0;
}

/** What all runs of a handler share. */
export function deskOf(spec: HandlerSpec, identity: HandlerIdentity, observers: Observers, logger: Logger): Desk {
  const { topics, publishTopics, options, subscriber } = spec;
  const slotEach = usesSlotEach(spec);
  return new Desk({
    identity,
    topics: topics.join(", "),
    publishTopic: publishTopics.length === 1 ? publishTopics[0] : undefined,
    subscriber: adapterName(subscriber),
    concurrency: options.concurrency ?? 1,
    abandonAfterMs: options.abandonAfterMs ?? ABANDON_MS,
    lineOf: usesSlotEach(spec) && (options.concurrency ?? 1) === 1 ? () => undefined : orderOf(spec), // one call at a time needs no lines
    orderOf: orderOf(spec),
    inLines: !slotEach,
    slotEach,
    logger,
    observers,
  });
}

/** The order that a message is in: of its topic and key. */
function orderOf(spec: HandlerSpec): (message: ReceivedMessage) => string | undefined {
  const { kind, options, topics } = spec;
  const key = kind === "batch" ? keyOf(options) : laneOf(options);
  if (topics.length === 1) return key;
  return (message) => {
    const name = key(message);
    return name === undefined ? undefined : `${message.delivery.topic}\n${name}`;
  };
}

/** One handler at a time means one lane: the order of the whole subscription holds, as it does without a pipeline. */
function laneOf(options: HandlerOptions): (message: ReceivedMessage) => string | undefined {
  return (options.concurrency ?? 1) === 1 ? () => "" : keyOf(options);
}

function keyOf({ orderBy }: HandlerOptions): (message: ReceivedMessage) => string | undefined {
  if (orderBy === "none") return () => undefined;
  return orderBy ?? orderingKeyOf;
}

/** A user's `orderBy` may throw; nobody is brought down by it. */
export function withSafeOrder(spec: HandlerSpec, logger: Logger): HandlerSpec {
  const { orderBy } = spec.options;
  if (typeof orderBy !== "function") return spec;
  return { ...spec, options: { ...spec.options, orderBy: safeOrder(orderBy, spec.topics.join(", "), logger) } };
}
