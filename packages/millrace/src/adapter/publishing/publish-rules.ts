import type { Logger } from "../../logger/index.ts";
import { BACKOFF_NAMES, type BackoffOptions, checkBackoff, OptionCheck, type OptionNames } from "../../options/index.ts";

export interface PublishRules {
  /** For error texts: `"KafkaPublisher"`. */
  readonly subject: string;
  /** For log lines: `"kafka"`. */
  readonly adapter: string;
  /** The code of an error that is no `MillraceError`. */
  readonly otherCode: string;
  /** How long a call may take: waiting for room, for the broker, for its confirmation. */
  readonly timeoutMs: number;
  /** Messages and bytes that may wait to be confirmed; a call beyond them waits for room. Default: no bound. */
  readonly maxWaiting?: number | undefined;
  readonly maxWaitingBytes?: number | undefined;
  /** The longest delay that the broker holds a message back for. Default 0: what is not due is refused. `Infinity`: `encode` reads it. */
  readonly maxPublishDelayMs?: number | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}

/** What a `PublishQueue` needs to know beside. */
export interface PublishQueueRules extends PublishRules {
  /**
   * The broker removes repeats: what may have been sent is sent again, before all that is younger, until its call's time is up. Default
   * false: it is `unknown`, and never sent again.
   */
  readonly deduplicates?: boolean | undefined;
  /** Messages and bytes on a link, counted from the oldest without an answer. Default 1000 and 8 MiB. */
  readonly window?: number | undefined;
  readonly windowBytes?: number | undefined;
  /** Most messages and bytes of one `send`. Default: the window. One message may be of any size. */
  readonly batch?: number | undefined;
  readonly batchBytes?: number | undefined;
  /** Links that are kept open; beyond, a lane that rests gives its link up. Default 256. */
  readonly maxLinks?: number | undefined;
  /** Before connecting again after a failure. Default 100 and 5,000 ms. */
  readonly reconnect?: BackoffOptions | undefined;
}

const NAMES: OptionNames<PublishQueueRules> = {
  subject: true,
  adapter: true,
  otherCode: true,
  timeoutMs: true,
  maxWaiting: true,
  maxWaitingBytes: true,
  maxPublishDelayMs: true,
  logger: true,
  deduplicates: true,
  window: true,
  windowBytes: true,
  batch: true,
  batchBytes: true,
  maxLinks: true,
  reconnect: true,
};

/** Throws `OptionError` with everything that is wrong. */
export function checkPublishRules(rules: PublishQueueRules): void {
  const check = new OptionCheck("PublishCalls").known(rules, NAMES);
  for (const name of ["subject", "adapter", "otherCode"] as const) check.required(name, rules[name]).text(name, rules[name]);
  for (const name of ["maxWaiting", "maxWaitingBytes", "window", "windowBytes", "batch", "batchBytes", "maxLinks"] as const) {
    check.integer(name, rules[name], { min: 1 });
  }
  check
    .required("timeoutMs", rules.timeoutMs)
    .duration("timeoutMs", rules.timeoutMs, { min: 1 })
    .that((rules.maxPublishDelayMs ?? 0) >= 0, "maxPublishDelayMs must be at least 0")
    .flag("deduplicates", rules.deduplicates)
    .known(rules.reconnect, BACKOFF_NAMES, "reconnect")
    .methods("logger", rules.logger, ["trace", "debug", "info", "warn", "error"]);
  checkBackoff(check, rules.reconnect, "reconnect").done();
}
