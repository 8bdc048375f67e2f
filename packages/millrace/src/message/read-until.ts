import { startTimer, stopTimer } from "../internal/timers.ts";
import { OptionCheck, type OptionNames } from "../options/index.ts";
import type { ReceivedMessage } from "./received-message.ts";
import type { Subscription } from "./subscriber.ts";

export interface ReadOptions {
  /** Gives up when no message came for this many milliseconds; every message starts the time anew. Default 15,000. */
  readonly idleMs?: number | undefined;
  /** Acks a message whose id was read before, and counts it not. Default false. */
  readonly deduplicate?: boolean | undefined;
  /** Ends the reading; what was read so far is returned. */
  readonly signal?: AbortSignal | undefined;
}

export interface ReadResult {
  /** In order of arrival, acked. */
  readonly messages: readonly ReceivedMessage[];
  /** False when the time, the signal or the subscription's end came first. */
  readonly complete: boolean;
}

export const READ_DEFAULTS: { readonly idleMs: number; readonly deduplicate: boolean } = Object.freeze({ idleMs: 15_000, deduplicate: false });

export const READ_NAMES: OptionNames<ReadOptions> = { idleMs: true, deduplicate: true, signal: true };

/**
 * Reads and acks until `done` says so of a message and of all read so far, that one included.
 *
 * The subscription stays open and can be read on. For scripts and tests; a service wants a router.
 * Throws what the subscription fails with, and `OptionError` `BAD_OPTION`.
 *
 * ```ts
 * const { messages, complete } = await readUntil(subscription, (message) => message.text() === "end");
 * ```
 */
export async function readUntil(
  subscription: Subscription,
  done: (message: ReceivedMessage, messages: readonly ReceivedMessage[]) => boolean,
  options: ReadOptions = {},
): Promise<ReadResult> {
  new OptionCheck("readUntil")
    .known(options, READ_NAMES)
    .methods("subscription", subscription, ["close"])
    .call("predicate", done)
    .duration("idleMs", options.idleMs, { min: 0, max: Infinity })
    .flag("deduplicate", options.deduplicate)
    .done();
  const { idleMs = READ_DEFAULTS.idleMs, deduplicate = READ_DEFAULTS.deduplicate, signal } = options;
  const messages: ReceivedMessage[] = [];
  const known = new Set<string>();
  const iterator = subscription[Symbol.asyncIterator]();
  // Ending the iteration is what ends the wait: the pending `next()` answers "done", and no message is taken and dropped.
  const giveUp = (): void => {
    iterator.return?.().then(undefined, () => {});
  };
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    while (signal?.aborted !== true) {
      const timer = idleMs === Infinity ? undefined : startTimer(giveUp, idleMs);
      const step = await iterator.next().finally(() => stopTimer(timer));
      if (step.done === true) return { messages, complete: false };
      const message = step.value;
      message.ack();
      if (deduplicate && known.has(message.id)) continue;
      known.add(message.id);
      messages.push(message);
      if (done(message, messages)) return { messages, complete: true };
    }
    return { messages, complete: false };
  } finally {
    signal?.removeEventListener("abort", giveUp);
    await iterator.return?.();
  }
}
