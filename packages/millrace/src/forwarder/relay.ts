import { PublishError } from "../errors/index.ts";
import type { Batch, BatchHandler, Message, OrderBy, Publisher, ReceivedMessage } from "../message/index.ts";
import type { Addressed } from "./envelope.ts";

export interface RelayParts {
  readonly publisher: Publisher;
  /** What to publish, and where; `undefined` leaves the message out, a throw fails it. */
  readonly open: (message: ReceivedMessage) => Addressed | undefined;
  readonly orderBy: OrderBy;
  readonly onError: (error: unknown) => void;
}

/** Messages in a row for one topic: one publish call. */
interface Run {
  readonly topic: string;
  readonly received: ReceivedMessage[];
  readonly messages: Message[];
}

/**
 * A batch handler that publishes what it is given, in order: one call for each run of one topic, one run after the other. What the
 * publisher confirmed is acked; the first of a key that it did not confirm fails, and everything behind it goes back.
 */
export function relay(parts: RelayParts): BatchHandler {
  const { orderBy } = parts;
  const keyOf = orderBy === "none" ? () => undefined : orderBy;
  return (messages, batch) => relayBatch(parts, keyOf, messages, batch);
}

async function relayBatch(
  { publisher, open, onError }: RelayParts,
  keyOf: (message: ReceivedMessage) => string | undefined,
  messages: readonly ReceivedMessage[],
  batch: Batch,
): Promise<void> {
  const failedKeys = new Set<string>();
  const fail = (message: ReceivedMessage, error: unknown): void => {
    const key = keyOf(message);
    if (key !== undefined) failedKeys.add(key);
    onError(error);
    batch.fail(message, error);
  };
  let run: Run | undefined;
  for (const received of messages) {
    // Everything of a key behind its failed message is handed back by the router: publishing it would break the order.
    if (failedKeys.size > 0 && isFailed(failedKeys, keyOf(received))) continue;
    let addressed: Addressed | undefined;
    try {
      addressed = open(received);
    } catch (error) {
      fail(received, error);
      continue;
    }
    if (addressed === undefined) continue;
    if (run !== undefined && run.topic !== addressed.topic) {
      await publishRun(publisher, run, fail);
      run = undefined;
      if (isFailed(failedKeys, keyOf(received))) continue;
    }
    run ??= { topic: addressed.topic, received: [], messages: [] };
    run.received.push(received);
    run.messages.push(addressed.message);
  }
  if (run !== undefined) await publishRun(publisher, run, fail);
}

function isFailed(failedKeys: ReadonlySet<string>, key: string | undefined): boolean {
  return key !== undefined && failedKeys.has(key);
}

async function publishRun(publisher: Publisher, run: Run, fail: (message: ReceivedMessage, error: unknown) => void): Promise<void> {
  try {
    await publisher.publish(run.topic, run.messages.length === 1 ? (run.messages[0] as Message) : run.messages);
  } catch (error) {
    const outcomes = outcomesOf(error);
    for (const [index, message] of run.received.entries()) if (outcomes?.[index] !== "confirmed") fail(message, error);
  }
}

/** Also of a `PublishError` that another copy of the library made. */
function outcomesOf(error: unknown): PublishError["outcomes"] | undefined {
  if (error instanceof PublishError) return error.outcomes;
  const { outcomes } = (error ?? {}) as { readonly outcomes?: unknown };
  return Array.isArray(outcomes) ? outcomes : undefined;
}
