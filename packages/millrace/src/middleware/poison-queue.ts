import { MillraceError } from "../errors/index.ts";
import { deadLetter } from "../message/dead-letter.ts";
import { holdsBack } from "../message/holds-back.ts";
import { failedInCompany, inHandOf } from "../message/in-hand.ts";
import { attempt, isPromise, type Middleware, type Produced, type Publisher, type ReceivedMessage } from "../message/index.ts";
import { isInterruption } from "../message/interruption.ts";
import { OptionCheck } from "../options/index.ts";
import { earlyVerdict } from "./early-verdict.ts";
import { errorText, failedToo } from "./failed-too.ts";

export interface PoisonQueueOptions {
  /** Where poisoned messages go. It stays yours: it is never closed here. */
  readonly publisher: Publisher;
  /** No topic that the handler reads itself: a router refuses that when it starts, since what fails would come back at once, for ever. */
  readonly topic: string;
  /** Only failures for which it answers true are poison; others go on outward. Default: all. */
  readonly filter?: ((error: unknown, message: ReceivedMessage) => boolean) | undefined;
  /** Written as `subscriber_poisoned`. Default: the class of the handler's subscriber, as in every other dead letter; `""` without a router. */
  readonly subscriberName?: string | undefined;
}

/**
 * Sends the message of a failing handler to a topic of its own, then takes the failure for success, so that it is acked.
 *
 * A copy is published, with its id, key, payload and metadata, and four keys more: `reason_poisoned` (the error's text, at most
 * 4,096 bytes), `topic_poisoned`, `handler_poisoned`, `subscriber_poisoned`. It is delayed only where `delayOnError` inside has asked for
 * that and the publisher can hold it back. The message in hand is not written to. What the failing handler produced is dropped. The publish
 * does not follow the message's signal, so an expired `timeout` inside does not stop it. When it fails, the failure is code
 * `POISON_PUBLISH_FAILED`, with the handler's error and the publisher's in `cause.errors`, and the message is nacked. When the `filter` throws,
 * or does not answer at once, nothing is published: the failure is `HOOK_FAILED`, its `cause` the handler's error, its `hookError` the filter's.
 * Whoever judges it further out judges the handler's error: a `PermanentError` stays permanent.
 *
 * Not poison: a handling that was cut off because the delivery was lost or the router drained, and a message that was nacked inside or
 * lost meanwhile, for it comes again. Nor one of several whose batch failed as a whole: it comes again, alone. A message that was acked
 * inside is poison all the same: it would be gone. With `retry`: add `poisonQueue` first (outside), else each attempt ends here and nothing
 * is ever retried. The router's `failure.deadLetter` does the same after redeliveries with backoff, without holding the message in between.
 *
 * ```ts
 * import { poisonQueue, retry } from "millrace/middleware";
 * router.addMiddleware(poisonQueue({ publisher: bus, topic: "poison" }), retry({ maxRetries: 3 }));
 * ```
 */
export function poisonQueue(options: PoisonQueueOptions): Middleware {
  const check = new OptionCheck("poisonQueue").known(options, { publisher: true, topic: true, filter: true, subscriberName: true });
  const { publisher, topic, filter, subscriberName } = options;
  check
    .required("publisher", publisher)
    .methods("publisher", publisher ?? undefined, ["publish"])
    .required("topic", topic)
    .text("topic", topic ?? undefined)
    .call("filter", filter)
    .that(subscriberName === undefined || typeof subscriberName === "string", "subscriberName must be a text")
    .done();

  const bury = async (message: ReceivedMessage, error: unknown): Promise<Produced> => {
    const verdict = await earlyVerdict(message);
    if (verdict === "nacked" || verdict === "lost" || (verdict === undefined && inHandOf(message)?.nacked === true)) throw error;
    const { handler = "", topic: readFrom } = message.delivery;
    const subscriber = subscriberName ?? inHandOf(message)?.taker?.subscriber ?? "";
    try {
      const facts = { reason: error, topic: readFrom, handler, subscriber };
      await publisher.publish(topic, deadLetter(message, facts, { keepsDelay: holdsBack(publisher, message) }));
    } catch (publishError) {
      throw failedToo(`message ${message.id} could not be published to the poison queue ${topic}`, "POISON_PUBLISH_FAILED", error, publishError);
    }
  };

  const middleware: Middleware = (next) => (message) =>
    attempt(
      () => next(message),
      (produced) => produced,
      (error) => {
        if (isInterruption(error, message) || failedInCompany(message) || !accepts(filter, error, message)) throw error;
        return bury(message, error);
      },
    );
  return Object.assign(middleware, { deadLetter: { publisher, topic } });
}

function accepts(filter: PoisonQueueOptions["filter"], error: unknown, message: ReceivedMessage): boolean {
  if (filter === undefined) return true;
  let answer: unknown;
  try {
    answer = filter(error, message);
  } catch (filterError) {
    throw filterFailed(`threw: ${errorText(filterError)}`, error, filterError);
  }
  if (isPromise(answer)) {
    answer.then(undefined, () => {}); // it must not reject unheard
    throw filterFailed("answered with a promise: it has to answer true or false at once", error, undefined);
  }
  return Boolean(answer);
}

function filterFailed(how: string, error: unknown, hookError: unknown): MillraceError {
  const text = `the filter of poisonQueue ${how}; the failure that it was asked about: ${errorText(error)}`;
  return Object.assign(new MillraceError(text, { code: "HOOK_FAILED", retryable: true, cause: error }), { hookError });
}
