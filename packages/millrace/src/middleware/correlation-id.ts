import { onlyMessages } from "../message/after.ts";
import { after, type Message, type Metadata, type Middleware, metadata, type Produced, type ReceivedMessage } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";

/** The metadata key of the correlation id; Watermill reads and writes the same. */
export const CORRELATION_ID_KEY = "correlation_id";

export interface CorrelationIdOptions {
  /**
   * What to do when the consumed message has no correlation id. `false` (default): nothing is written. `true`: its own id
   * begins the correlation. A function gives the id; it is asked again at each redelivery, so derive it from the message.
   */
  readonly generate?: boolean | ((message: ReceivedMessage) => string) | undefined;
}

/** The correlation id of a message; `undefined` when it has none, or an empty one. */
export function messageCorrelationId(message: { readonly metadata: Metadata }): string | undefined {
  return message.metadata.get(CORRELATION_ID_KEY) || undefined;
}

/** Writes the correlation id of a message you are about to publish, unless it has one already. An empty id is never written. */
export function setCorrelationId(id: string, message: { readonly metadata: Metadata }): void {
  if (id !== "" && messageCorrelationId(message) === undefined) message.metadata.set(CORRELATION_ID_KEY, id);
}

/**
 * Hands the consumed message's correlation id on to everything the handler produces that has none of its own.
 *
 * Produced messages are copied, never written to: a handler may give back the same message object every time. With `generate`
 * the handler sees the generated id on its message too. Follows Watermill's `CorrelationID`, but never writes an empty id.
 *
 * ```ts
 * import { correlationId } from "millrace/middleware";
 * router.addMiddleware(correlationId({ generate: true }));
 * ```
 */
export function correlationId(options: CorrelationIdOptions = {}): Middleware {
  const check = new OptionCheck("correlationId").known(options, { generate: true });
  const { generate = false } = options;
  check.that(typeof generate === "boolean" || typeof generate === "function", "generate must be true, false or a function that gives an id").done();

  return (next) => (message) => {
    let id = messageCorrelationId(message);
    let shown = message;
    if (id === undefined && generate !== false) {
      id = generate === true ? message.id : generate(message);
      if (id !== "") shown = message.derive({ metadata: metadata(message.metadata).set(CORRELATION_ID_KEY, id) });
    }
    const result = next(shown);
    return id === undefined || id === "" ? result : after(result, (produced) => correlated(produced, id));
  };
}

function correlated(produced: Produced, id: string): Produced {
  const only = onlyMessages(produced);
  if (only === undefined) return produced;
  return isList(only) ? only.map((message) => withId(message, id)) : withId(only, id);
}

function withId(message: Message, id: string): Message {
  if (messageCorrelationId(message) !== undefined) return message;
  return message.copy({ metadata: metadata(message.metadata).set(CORRELATION_ID_KEY, id) });
}

function isList(produced: Message | readonly Message[]): produced is readonly Message[] {
  return Array.isArray(produced);
}
