import { OptionCheck } from "../options/index.ts";
import { READ_NAMES, type ReadOptions, type ReadResult, readUntil } from "./read-until.ts";
import type { Subscription } from "./subscriber.ts";

export interface ReadMessagesOptions extends ReadOptions {
  /** How many to read. 0 reads none and is complete at once. */
  readonly count: number;
}

/**
 * Reads and acks `count` messages, or what comes until nothing more comes for `idleMs`.
 *
 * With `deduplicate`, `count` distinct ids. The subscription stays open and can be read on. Throws what the subscription fails
 * with, and `OptionError` `BAD_OPTION`.
 *
 * ```ts
 * const { messages, complete } = await readMessages(subscription, { count: 10, idleMs: 1000 });
 * ```
 */
export async function readMessages(subscription: Subscription, options: ReadMessagesOptions): Promise<ReadResult> {
  new OptionCheck("readMessages")
    .known(options, { count: true, ...READ_NAMES })
    .required("count", options.count)
    .integer("count", options.count, { min: 0 })
    .done();
  if (options.count === 0) return { messages: [], complete: true };
  const { count, ...rest } = options;
  return await readUntil(subscription, (_message, messages) => messages.length >= count, rest);
}
