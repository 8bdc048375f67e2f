import { MillraceError, PublishError, type PublishOutcome } from "../errors/index.ts";
import { wallMs } from "../internal/timers.ts";
import { DELAYED_UNTIL_KEY } from "../message/delay-keys.ts";
import type { Message } from "../message/index.ts";

/** A time as Go writes it: with seconds, and with a zone. `Date.parse` alone reads much that nobody meant as a time. */
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** When a message is due, in milliseconds since the epoch; `undefined` for at once. Throws `INVALID_DELAY` for a text that is no time. */
export function dueMsOf(message: Message): number | undefined {
  const { metadata } = message;
  if (metadata.size === 0) return undefined;
  const text = metadata.get(DELAYED_UNTIL_KEY);
  if (text === undefined) return undefined;
  const due = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(due)) return due > wallMs() ? due : undefined;
  throw new MillraceError(`${DELAYED_UNTIL_KEY} must be an RFC 3339 time, got ${JSON.stringify(text.slice(0, 64))}`, { code: "INVALID_DELAY" });
}

/**
 * Publishes what can be held back for as long as it asks to be: what is due, and what is due within `longestMs`, which is 0 where a
 * broker has no delays. The first message that asks for more, or whose time cannot be read, is refused by itself: what was before it
 * in the call is sent, and what is behind it is not, since a call is in order. Rejects with `DELAY_UNSUPPORTED` or `INVALID_DELAY` then.
 */
export function publishWithinDelay(
  subject: string,
  messages: readonly Message[],
  longestMs: number,
  send: (messages: readonly Message[]) => Promise<void>,
): Promise<void> {
  for (let index = 0; index < messages.length; index++) {
    const error = refusal(subject, messages[index] as Message, longestMs);
    if (error !== undefined) return refuse(error, messages, index, send);
  }
  return send(messages);
}

function refusal(subject: string, message: Message, longestMs: number): MillraceError | undefined {
  let due: number | undefined;
  try {
    due = dueMsOf(message);
  } catch (error) {
    return error as MillraceError;
  }
  if (due === undefined || due - wallMs() <= longestMs) return undefined;
  return delayUnsupported(subject, message.id, due, longestMs);
}

export function delayUnsupported(subject: string, id: string, dueMs: number, longestMs: number): MillraceError {
  const most = longestMs > 0 ? `cannot hold a message back for more than ${longestMs} ms` : "cannot hold messages back";
  return new MillraceError(
    `${subject} ${most}, and message ${id} is due at ${new Date(dueMs).toISOString()}: put a DelayingPublisher of millrace/delay before it, or give connect() a store for such messages as its option delays`,
    { code: "DELAY_UNSUPPORTED" },
  );
}

async function refuse(error: MillraceError, messages: readonly Message[], index: number, send: (messages: readonly Message[]) => Promise<void>): Promise<void> {
  const rest = Array.from({ length: messages.length - index }, (): PublishOutcome => "rejected");
  if (index > 0) {
    try {
      await send(messages.slice(0, index));
    } catch (failure) {
      throw failure instanceof PublishError ? extended(failure, rest) : failure;
    }
  }
  const outcomes = [...Array.from({ length: index }, (): PublishOutcome => "confirmed"), ...rest];
  throw new PublishError(error.message, { code: error.code, cause: error, outcomes });
}

/** The same failure, told of the whole call. */
function extended({ message, code, retryable, cause, outcomes }: PublishError, rest: readonly PublishOutcome[]): PublishError {
  return new PublishError(message, { code, retryable, cause, outcomes: [...outcomes, ...rest] });
}
