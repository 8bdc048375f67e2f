import { checkOrderBy } from "../adapter/subscribe-options.ts";
import { undecorated } from "../message/adapter-name.ts";
import type { Middleware, Publisher, Subscriber } from "../message/index.ts";
import { checkBackoff, OptionCheck } from "../options/index.ts";
import { type FailurePolicy, knownPolicy } from "./failure-policy.ts";
import type { BatchHandlerOptions, ConsumerHandlerOptions, ProducingHandlerOptions } from "./handler-options.ts";
import { checkHandlerNames } from "./known-options.ts";
import type { RouterOptions } from "./router-options.ts";

export type HandlerKind = "handler" | "consumer" | "batch";
export type AnyHandlerOptions = ProducingHandlerOptions | ConsumerHandlerOptions | BatchHandlerOptions;

/** A handler as it was added, with its ends looked up. */
export interface HandlerSpec {
  readonly kind: HandlerKind;
  readonly options: AnyHandlerOptions;
  readonly name: string;
  /** `undefined`: without a group. */
  readonly group: string | undefined;
  readonly subscriber: Subscriber;
  readonly topics: readonly string[];
  readonly publisher: Publisher | undefined;
  readonly publishTopics: readonly string[];
}

/** Checks a handler's options and finds its subscriber and publisher. Throws an `OptionError` that lists every problem. */
export function handlerSpec(kind: HandlerKind, options: AnyHandlerOptions, router: RouterOptions, taken: (name: string) => boolean): HandlerSpec {
  const subject = `handler ${JSON.stringify(options?.name)}`;
  const check = checkHandlerNames(new OptionCheck(subject), kind, options);
  const { name, group, concurrency, orderBy, failure, middleware, abandonAfterMs, handle } = options;
  check.required("name", name).text("name", name);
  check.that(typeof name !== "string" || !taken(name), "its name is taken by another handler of this router");
  if (group !== false) check.text("group", group);
  check.integer("concurrency", concurrency, { min: 1 }).duration("abandonAfterMs", abandonAfterMs);
  checkOrderBy(check, orderBy);
  check.required("handle", handle).call("handle", handle);
  check.that(
    middleware === undefined || (Array.isArray(middleware) && middleware.every((one) => typeof one === "function")),
    "middleware must be a list of functions",
  );
  checkFailure(check, failure);
  const subscribe = subscribeEnd(options.subscribe, router);
  const topics = checkTopics(check, "subscribe", subscribe.topic);
  check
    .that(subscribe.subscriber !== undefined, "no subscriber: give the router one, or subscribe: { subscriber, topic }")
    .methods("subscriber", subscribe.subscriber, ["subscribe"]);
  checkWayBack(check, "failure.deadLetter", knownPolicy([router.failure, failure]).deadLetter, subscribe.subscriber, topics);
  const publish = publishEnd(options.publish, router);
  const publishTopics = publish === undefined && kind !== "handler" ? [] : checkTopics(check, "publish", publish?.topic);
  if (kind === "handler") {
    check
      .that(publish?.publisher !== undefined, "no publisher: give the router one, or publish: { publisher, topic }")
      .methods("publisher", publish?.publisher, ["publish"]);
    check.integer("pipeline", (options as ProducingHandlerOptions).pipeline, { min: 0 });
  } else {
    check.that(publish === undefined, "it cannot publish: use addHandler");
  }
  if (kind === "batch") {
    const { size, maxWaitMs } = options as BatchHandlerOptions;
    check.required("size", size).integer("size", size, { min: 1 }).required("maxWaitMs", maxWaitMs).duration("maxWaitMs", maxWaitMs);
  }
  check.done();
  const { service } = router;
  return {
    kind,
    options,
    name,
    group: group === false ? undefined : (group ?? (service === undefined ? name : `${service}.${name}`)),
    subscriber: subscribe.subscriber as Subscriber,
    topics,
    publisher: publish?.publisher,
    publishTopics,
  };
}

/** One topic, or several that differ. */
function checkTopics(check: OptionCheck, side: "subscribe" | "publish", topic: string | readonly string[] | undefined): readonly string[] {
  if (!Array.isArray(topic)) {
    check.required(side, topic).text(`${side} topic`, topic);
    return [topic as string];
  }
  check.that(topic.length > 0, `${side} names no topic`);
  for (const [index, one] of topic.entries()) check.required(`${side}[${index}]`, one).text(`${side}[${index}]`, one);
  check.that(new Set(topic).size === topic.length, `${side} names a topic twice`);
  return [...topic];
}

export function checkFailure(check: OptionCheck, failure: FailurePolicy | undefined): void {
  if (failure === undefined) return;
  checkBackoff(check.integer("failure.attempts", failure.attempts, { min: 1 }), failure, "failure");
  const { deadLetter } = failure;
  if (deadLetter === undefined) return;
  check.required("failure.deadLetter.publisher", deadLetter.publisher).methods("failure.deadLetter.publisher", deadLetter.publisher, ["publish"]);
  check.required("failure.deadLetter.topic", deadLetter.topic).text("failure.deadLetter.topic", deadLetter.topic);
}

/** What fails and is sent to where the handler reads comes back at once, for ever: refused where both are known to be one pub/sub. */
function checkWayBack(
  check: OptionCheck,
  what: string,
  to: { readonly publisher: Publisher; readonly topic: string } | undefined,
  subscriber: Subscriber | undefined,
  topics: readonly string[],
): void {
  if (!to?.publisher || !subscriber || !topics.includes(to.topic)) return;
  check.that(
    undecorated(to.publisher) !== undecorated(subscriber),
    `${what} sends what fails to ${JSON.stringify(to.topic)}, which the handler reads itself, so that it would come back for ever: ` +
      "name another topic, or add a handler that reads dead letters to a router that has no such dead letter",
  );
}

/** What only all of a handler's middleware tells: a time limit above what the broker can hold a message for would never be reached. */
export function checkMiddleware(spec: HandlerSpec, middleware: readonly Middleware[]): void {
  const most = spec.subscriber.capabilities?.maxHandlingMs ?? Infinity;
  const check = new OptionCheck(`handler ${JSON.stringify(spec.name)}`);
  for (const one of middleware) {
    const limit = one.timeLimitMs;
    check.that(limit === undefined || limit <= most, `a timeout of ${limit} ms is above what the broker holds a message for, ${most} ms`);
    checkWayBack(check, "a poisonQueue", one.deadLetter, spec.subscriber, spec.topics);
  }
  check.done();
}

type SubscribeEnd = Exclude<AnyHandlerOptions["subscribe"], string | readonly string[]>;
type PublishEnd = Exclude<ProducingHandlerOptions["publish"], string | readonly string[]>;

function subscribeEnd(subscribe: AnyHandlerOptions["subscribe"] | undefined, router: RouterOptions): Partial<SubscribeEnd> {
  return isTopic(subscribe) ? ({ subscriber: router.subscriber, topic: subscribe } as Partial<SubscribeEnd>) : subscribe;
}

function publishEnd(publish: ProducingHandlerOptions["publish"] | undefined, router: RouterOptions): Partial<PublishEnd> | undefined {
  if (publish === undefined) return undefined;
  return isTopic(publish) ? ({ publisher: router.publisher, topic: publish } as Partial<PublishEnd>) : publish;
}

function isTopic(end: unknown): end is string | readonly string[] | undefined {
  return end === undefined || end === null || typeof end !== "object" || Array.isArray(end);
}
