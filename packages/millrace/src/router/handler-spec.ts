import { checkOrderBy } from "../adapter/subscribe-options.ts";
import type { MiddlewareDoors } from "../message/doors.ts";
import { type Capabilities, type Handler, isPromise, type Message, type Middleware, type Produced, type Publisher, type Subscriber } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import type { FailurePolicy } from "./failure-policy.ts";
import type { BatchHandlerOptions, ConsumerHandlerOptions, ProducingHandlerOptions } from "./handler-options.ts";
import type { RouterOptions } from "./router-options.ts";

export type HandlerKind = "handler" | "consumer" | "batch";
export type AnyHandlerOptions = ProducingHandlerOptions | ConsumerHandlerOptions | BatchHandlerOptions;

/** A handler as it was added, with its ends looked up. */
export interface HandlerSpec {
  readonly kind: HandlerKind;
  readonly options: AnyHandlerOptions;
  readonly name: string;
  readonly group: string;
  readonly subscriber: Subscriber;
  readonly topic: string;
  readonly publisher: Publisher | undefined;
  readonly publishTopic: string | undefined;
}

/** Checks a handler's options and finds its subscriber and publisher. Throws an `OptionError` that lists every problem. */
export function handlerSpec(kind: HandlerKind, options: AnyHandlerOptions, router: RouterOptions, taken: (name: string) => boolean): HandlerSpec {
  const subject = `handler ${JSON.stringify(options?.name)}`;
  const check = new OptionCheck(subject);
  const { name, group, concurrency, orderBy, failure, middleware, abandonAfterMs, handle } = options;
  check.required("name", name).text("name", name);
  check.that(typeof name !== "string" || !taken(name), "its name is taken by another handler of this router");
  check.text("group", group).integer("concurrency", concurrency, { min: 1 }).duration("abandonAfterMs", abandonAfterMs);
  checkOrderBy(check, orderBy);
  check.required("handle", handle).call("handle", handle);
  check.that(
    middleware === undefined || (Array.isArray(middleware) && middleware.every((one) => typeof one === "function")),
    "middleware must be a list of functions",
  );
  checkFailure(check, failure);
  const subscribe =
    options.subscribe === undefined || typeof options.subscribe === "string" ? { subscriber: router.subscriber, topic: options.subscribe } : options.subscribe;
  check.required("subscribe", subscribe.topic).text("subscribe topic", subscribe.topic);
  check
    .that(subscribe.subscriber !== undefined, "no subscriber: give the router one, or subscribe: { subscriber, topic }")
    .methods("subscriber", subscribe.subscriber, ["subscribe"]);
  const publish = "publish" in options ? publishEnd(options.publish, router) : undefined;
  if (kind === "handler") {
    check.required("publish", publish?.topic).text("publish topic", publish?.topic);
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
  return {
    kind,
    options,
    name,
    group: group ?? name,
    subscriber: subscribe.subscriber as Subscriber,
    topic: subscribe.topic as string,
    publisher: publish?.publisher,
    publishTopic: publish?.topic,
  };
}

export function checkFailure(check: OptionCheck, failure: FailurePolicy | undefined): void {
  if (failure === undefined) return;
  check
    .integer("failure.attempts", failure.attempts, { min: 1 })
    .duration("failure.minDelayMs", failure.minDelayMs)
    .duration("failure.maxDelayMs", failure.maxDelayMs);
  const { deadLetter } = failure;
  if (deadLetter === undefined) return;
  check.required("failure.deadLetter.publisher", deadLetter.publisher).methods("failure.deadLetter.publisher", deadLetter.publisher, ["publish"]);
  check.required("failure.deadLetter.topic", deadLetter.topic).text("failure.deadLetter.topic", deadLetter.topic);
}

/** A middleware's time limit above what the broker can hold a message for would never be reached. */
export function checkTimeLimits(spec: HandlerSpec, middleware: readonly Middleware[]): void {
  const most = (spec.subscriber as { readonly capabilities?: Partial<Capabilities> }).capabilities?.maxHandlingMs ?? Infinity;
  const check = new OptionCheck(`handler ${JSON.stringify(spec.name)}`);
  for (const one of middleware) {
    const limit = (one as MiddlewareDoors)["millrace.timeLimitMs"];
    check.that(limit === undefined || limit <= most, `a timeout of ${limit} ms is above what the broker holds a message for, ${most} ms`);
  }
  check.done();
}

/** The name of an adapter in descriptions and dead letters. */
export function adapterName(end: object): string {
  return end.constructor?.name || "Object";
}

function publishEnd(
  publish: ProducingHandlerOptions["publish"] | undefined,
  router: RouterOptions,
): { publisher: Publisher | undefined; topic: string | undefined } | undefined {
  if (publish === undefined) return undefined;
  return typeof publish === "string" ? { publisher: router.publisher, topic: publish } : publish;
}

/**
 * The handler of a handler or a consumer, as one type. TypeScript lets a consumer return anything (`(m) => list.push(m)`): that is
 * dropped, unless it is messages, which somebody expected to be published.
 */
export function singleHandler(kind: HandlerKind, options: ProducingHandlerOptions | ConsumerHandlerOptions): Handler {
  const handle = options.handle as Handler;
  if (kind === "handler") return handle;
  return (message) => {
    const result = handle(message);
    if (result === undefined) return undefined;
    return isPromise(result) ? result.then(onlyMessages) : onlyMessages(result);
  };
}

function onlyMessages(result: Produced): Produced {
  const first = Array.isArray(result) ? result[0] : result;
  return (first as Partial<Message> | undefined | null)?.payload instanceof Uint8Array ? result : undefined;
}
