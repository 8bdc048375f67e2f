import type { Logger } from "../logger/index.ts";
import type { From, Middleware, OrderBy, Publisher, Subscriber } from "../message/index.ts";
import { BACKOFF_NAMES, OptionCheck, type OptionNames } from "../options/index.ts";
import type { FailurePolicy } from "../router/index.ts";

export interface FanInOptions {
  /** Of the sources. Stays open when the fan-in closes. */
  readonly subscriber: Subscriber;
  /** Of the target; it may be another broker. Stays open when the fan-in closes. */
  readonly publisher: Publisher;
  /** Topics to read: at least one, no name twice, not the target. */
  readonly sources: readonly string[];
  /** The topic that all messages go to. */
  readonly target: string;
  /** Fan-ins of one group share the work. Default: `fan_in_<topic>` for each source. */
  readonly group?: string | undefined;
  /** Where a new group begins. Default: the subscriber's. */
  readonly from?: From | undefined;
  /** A metadata key under which each message tells the topic it came from. Default: messages stay as they are. */
  readonly sourceKey?: string | undefined;
  /** Batches of one source published at a time. 1, the default, keeps a source's order; above it, order is kept per key. */
  readonly concurrency?: number | undefined;
  /** The ordering key when `concurrency` is above 1. Default: the subscriber's own, else the message's key. */
  readonly orderBy?: OrderBy | undefined;
  /** Most messages in one publish call. Default 100. */
  readonly batch?: number | undefined;
  /**
   * For messages that the target refuses. By default they are tried again for ever, visible in health; with `attempts` and a `deadLetter` they
   * go there when they were refused so often. An outage of the target is no refusal.
   */
  readonly failure?: FailurePolicy | undefined;
  /** Wraps each message. To middleware an outage of the target is a failure as any other: a `poisonQueue` needs a `filter`. */
  readonly middleware?: readonly Middleware[] | undefined;
  /** How long `close()` waits for batches under way. Default 30,000. */
  readonly drainTimeoutMs?: number | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}

export const FAN_IN_DEFAULTS: { readonly batch: number } = Object.freeze({ batch: 100 });

const NAMES: OptionNames<FanInOptions> = {
  subscriber: true,
  publisher: true,
  sources: true,
  target: true,
  group: true,
  from: true,
  sourceKey: true,
  concurrency: true,
  orderBy: true,
  batch: true,
  failure: true,
  middleware: true,
  drainTimeoutMs: true,
  logger: true,
};

/** Throws `OptionError` for everything that the router would not find by itself. */
export function checkFanIn(options: FanInOptions): void {
  const check = new OptionCheck("FanIn").known(options, NAMES);
  const { subscriber, publisher, sources, target, sourceKey, batch, failure } = options;
  const list: readonly unknown[] = Array.isArray(sources) ? sources : [];
  const twice = list.find((topic, index) => list.indexOf(topic) !== index);
  check
    .known(failure, { ...BACKOFF_NAMES, attempts: true, deadLetter: true }, "failure")
    .known(failure?.deadLetter, { publisher: true, topic: true }, "failure.deadLetter")
    .required("subscriber", subscriber)
    .methods("subscriber", subscriber ?? undefined, ["subscribe"])
    .required("publisher", publisher)
    .methods("publisher", publisher ?? undefined, ["publish"])
    .that(list.length > 0, "sources must be a list of topics with at least one in it")
    .that(
      list.every((topic) => typeof topic === "string" && topic !== ""),
      "every one of sources must be a text that is not empty",
    )
    .that(twice === undefined, `sources must not name a topic twice, and ${JSON.stringify(twice)} is`)
    .required("target", target)
    .text("target", target)
    .that(!list.includes(target), "sources must not contain the target: its messages would go round for ever")
    .text("sourceKey", sourceKey)
    .integer("batch", batch, { min: 1 })
    .done();
}
