import { BACKOFF_NAMES, OptionCheck, type OptionNames, shown } from "../options/index.ts";
import type { FailurePolicy } from "./failure-policy.ts";
import type { BatchHandlerOptions, ConsumerHandlerOptions, HandlerOptions, ProducingHandlerOptions } from "./handler-options.ts";
import type { RouterOptions } from "./router-options.ts";

const ROUTER: OptionNames<RouterOptions> = { service: true, subscriber: true, publisher: true, owns: true, failure: true, drainTimeoutMs: true, logger: true };

const SHARED: OptionNames<HandlerOptions> = {
  name: true,
  subscribe: true,
  group: true,
  from: true,
  concurrency: true,
  orderBy: true,
  failure: true,
  middleware: true,
  abandonAfterMs: true,
  contracts: true,
};
const CONSUMER: OptionNames<ConsumerHandlerOptions> = { ...SHARED, publish: true, handle: true };
const PRODUCER: OptionNames<ProducingHandlerOptions> = { ...SHARED, publish: true, pipeline: true, handle: true };
const BATCH: OptionNames<BatchHandlerOptions> = { ...SHARED, publish: true, size: true, maxWaitMs: true, handle: true };
const BY_KIND: { readonly [Kind in "handler" | "consumer" | "batch"]: OptionNames<object> } = { handler: PRODUCER, consumer: CONSUMER, batch: BATCH };

/** Adds to `check` what a router's options are called that no option is. */
export function checkRouterNames(check: OptionCheck, options: RouterOptions): OptionCheck {
  return checkFailureNames(check.known(options, ROUTER), options.failure);
}

/** Adds to `check` what a handler's options are called that no option of its kind is. */
export function checkHandlerNames(
  check: OptionCheck,
  kind: "handler" | "consumer" | "batch",
  options: HandlerOptions & { readonly publish?: unknown },
): OptionCheck {
  check.known<object>(options, BY_KIND[kind]);
  checkEndNames(check, "subscribe", options.subscribe, { subscriber: true, topic: true });
  checkEndNames(check, "publish", options.publish, { publisher: true, topic: true });
  return checkFailureNames(check, options.failure);
}

/** One topic or a list of them has no names. */
function checkEndNames(check: OptionCheck, at: "subscribe" | "publish", end: unknown, names: Readonly<Record<string, true>>): void {
  if (typeof end !== "object" || end === null || Array.isArray(end)) return;
  if ("topic" in end && "read" in end) check.that(false, `${at} is an event: give its topic`);
  else check.known<object>(end, names as OptionNames<object>, at);
}

function checkFailureNames(check: OptionCheck, failure: FailurePolicy | undefined): OptionCheck {
  return check
    .known(failure, { ...BACKOFF_NAMES, attempts: true, deadLetter: true }, "failure")
    .known(failure?.deadLetter, { publisher: true, topic: true }, "failure.deadLetter");
}

/** Whatever is added to a router is a function; what is none would only show at its start. */
export function checkFunctions(method: string, given: readonly unknown[]): void {
  const wrong = given.findIndex((one) => typeof one !== "function");
  new OptionCheck(`router.${method}`).that(wrong === -1, `argument ${wrong + 1} must be a function, got ${shown(given[wrong])}`).done();
}
