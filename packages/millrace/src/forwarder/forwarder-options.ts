import type { Logger } from "../logger/index.ts";
import type { From, Middleware, OrderBy, Publisher, Subscriber } from "../message/index.ts";
import { BACKOFF_NAMES, OptionCheck, type OptionNames } from "../options/index.ts";
import type { FailurePolicy } from "../router/index.ts";

/** What becomes of a message on the forwarder's topic that is no envelope. */
export type OnUndecodable = "dead-letter" | "keep" | "skip";

export interface ForwarderOptions {
  /** Of the outbox. Stays open when the forwarder closes. */
  readonly subscriber: Subscriber;
  /** Where the messages are meant to go. Stays open when the forwarder closes. */
  readonly publisher: Publisher;
  /** The topic of the envelopes. Default `"forwarder_topic"`. */
  readonly topic?: string | undefined;
  /** In logs and health. Default `"forwarder"`. */
  readonly name?: string | undefined;
  /** Forwarders of one group share the work. Default: the name. */
  readonly group?: string | undefined;
  /** Where a new group begins. Default: the subscriber's. */
  readonly from?: From | undefined;
  /** Batches published at a time. 1, the default, keeps the order of the whole outbox; above it, order is kept per key. */
  readonly concurrency?: number | undefined;
  /** The ordering key when `concurrency` is above 1. Default: the outbox's own, else the envelope's key. */
  readonly orderBy?: OrderBy | undefined;
  /** Most messages in one publish call. Default 100. */
  readonly batch?: number | undefined;
  /** A batch that is not full is published this many milliseconds after its first message. Default 0. */
  readonly maxWaitMs?: number | undefined;
  /**
   * For what is no envelope. `"dead-letter"`: the default when `deadLetter` is given. `"keep"`: the default else; nothing goes to
   * a dead letter, an ordered outbox stands still behind it, and health says `failing`. `"skip"`: acked, logged as an error.
   */
  readonly onUndecodable?: OnUndecodable | undefined;
  readonly deadLetter?: FailurePolicy["deadLetter"];
  /**
   * For messages that the target refuses. By default they are tried again for ever; with `attempts` and a `deadLetter` they go there
   * when they were refused so often. An outage of the target is no refusal: it uses up no attempt.
   */
  readonly failure?: Omit<FailurePolicy, "deadLetter"> | undefined;
  /** Wraps each envelope, not the batch. To middleware an outage of the target is a failure as any other: a `poisonQueue` needs a `filter`. */
  readonly middleware?: readonly Middleware[] | undefined;
  /** How long `close()` waits for batches under way. Default 30,000. */
  readonly drainTimeoutMs?: number | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}

export const FORWARDER_DEFAULTS: Readonly<Record<"topic" | "name", string> & Record<"concurrency" | "batch" | "maxWaitMs", number>> = Object.freeze({
  topic: "forwarder_topic",
  name: "forwarder",
  concurrency: 1,
  batch: 100,
  maxWaitMs: 0,
});

const NAMES: OptionNames<ForwarderOptions> = {
  subscriber: true,
  publisher: true,
  topic: true,
  name: true,
  group: true,
  from: true,
  concurrency: true,
  orderBy: true,
  batch: true,
  maxWaitMs: true,
  onUndecodable: true,
  deadLetter: true,
  failure: true,
  middleware: true,
  drainTimeoutMs: true,
  logger: true,
};

/** Throws `OptionError` for everything that the router would not find by itself. */
export function checkForwarder(options: ForwarderOptions): void {
  const check = new OptionCheck("Forwarder").known(options, NAMES);
  const { subscriber, publisher, topic, batch, maxWaitMs, onUndecodable, deadLetter } = options;
  check
    .known(deadLetter, { publisher: true, topic: true }, "deadLetter")
    .known(options.failure, { ...BACKOFF_NAMES, attempts: true }, "failure")
    .required("subscriber", subscriber)
    .methods("subscriber", subscriber ?? undefined, ["subscribe"])
    .required("publisher", publisher)
    .methods("publisher", publisher ?? undefined, ["publish"])
    .text("topic", topic)
    .integer("batch", batch, { min: 1 })
    .duration("maxWaitMs", maxWaitMs)
    .oneOf("onUndecodable", onUndecodable, ["dead-letter", "keep", "skip"])
    .that(onUndecodable !== "dead-letter" || deadLetter !== undefined, 'onUndecodable "dead-letter" needs deadLetter')
    .that(onUndecodable !== "keep" || deadLetter === undefined, 'onUndecodable "keep" sends nothing to a dead letter: leave deadLetter out')
    .methods("deadLetter.publisher", deadLetter?.publisher, ["publish"])
    .text("deadLetter.topic", deadLetter?.topic)
    .done();
}
