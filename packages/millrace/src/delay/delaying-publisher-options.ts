import type { Logger } from "../logger/index.ts";
import type { Publisher, PubSub } from "../message/index.ts";
import { OptionCheck, type OptionNames } from "../options/index.ts";

export interface DelayingPublisherOptions {
  /** Where the messages are meant to go. Stays open when the delaying publisher closes. */
  readonly publisher: Publisher;
  /**
   * Where messages wait that `publisher` cannot hold back. It must be able to (`capabilities.maxPublishDelayMs` above 0), and should be
   * durable: `@millrace/sql` on SQLite is. Processes that share it share the relaying. Stays open when the delaying publisher closes.
   */
  readonly store: PubSub;
  /** Of the store. Default `"millrace.delayed"`. */
  readonly topic?: string | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}

export const DELAYING_DEFAULTS: Readonly<Record<"topic" | "group", string>> = Object.freeze({ topic: "millrace.delayed", group: "delaying-publisher" });

const NAMES: OptionNames<DelayingPublisherOptions> = { publisher: true, store: true, topic: true, logger: true };

export function checkDelayingPublisher(options: DelayingPublisherOptions): void {
  const { publisher, store, topic, logger } = (options ?? {}) as DelayingPublisherOptions;
  const most = store?.capabilities?.maxPublishDelayMs;
  new OptionCheck("DelayingPublisher")
    .known(options, NAMES)
    .required("publisher", publisher)
    .methods("publisher", publisher ?? undefined, ["publish"])
    .required("store", store)
    .methods("store", store ?? undefined, ["publish", "subscribe"])
    .that(
      !store || (most ?? 0) > 0,
      `store must be able to hold messages back, and its capabilities ${most === undefined ? "do not say that it is" : "say that it is not"}`,
    )
    .text("topic", topic)
    .methods("logger", logger, ["warn", "error"])
    .done();
}
