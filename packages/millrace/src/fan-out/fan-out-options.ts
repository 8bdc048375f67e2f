import type { Logger } from "../logger/index.ts";
import type { From, Subscriber } from "../message/index.ts";
import { isText, OptionCheck } from "../options/index.ts";

export interface FanOutOptions {
  /** Read once for each topic, however many branches there are. Stays open when the fan-out closes. */
  readonly subscriber: Subscriber;
  /** Topics read from the start. Others are added by `add`, or by subscribing to them. */
  readonly topics?: readonly string[] | undefined;
  /** Fan-outs of one group share the messages. Default: `fan_out_<topic>`. */
  readonly group?: string | undefined;
  /** Where a new group begins upstream. Default: the subscriber's. */
  readonly from?: From | undefined;
  /** How far past the oldest message of a topic that is not acked by every branch is read. Default 1,000. */
  readonly window?: number | undefined;
  /** How long `close()` waits for handlers of the branches. Default 30,000. */
  readonly drainTimeoutMs?: number | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}

export const FAN_OUT_DEFAULTS: { readonly window: number; readonly drainTimeoutMs: number } = Object.freeze({ window: 1000, drainTimeoutMs: 30_000 });

export function checkFanOut(options: FanOutOptions): void {
  const check = new OptionCheck("FanOut").known(options, {
    subscriber: true,
    topics: true,
    group: true,
    from: true,
    window: true,
    drainTimeoutMs: true,
    logger: true,
  });
  const { subscriber, topics, group, window } = options;
  check
    .required("subscriber", subscriber)
    .methods("subscriber", subscriber ?? undefined, ["subscribe"])
    .that(topics === undefined || (Array.isArray(topics) && topics.every(isText)), "topics must be a list of texts that are not empty")
    .text("group", group)
    .integer("window", window, { min: 1 })
    .done();
}
