import type { ReceivedMessage, Subscriber, Subscription } from "millrace";

const ON_MESSAGES = [
  "id",
  "key",
  "keyBytes",
  "dueAt",
  "topic",
  "payload",
  "metadata",
  "text",
  "json",
  "jsonAsync",
  "copy",
  "delivery",
  "signal",
  "settled",
  "ack",
  "nack",
  "get",
] as const;

/** A decorator of a subscriber that knows nothing but the contract: what is not named there does not pass. */
export function contractOnly(subscriber: Subscriber): Subscriber {
  return {
    subscribe: async (topic, options) => stripped(await subscriber.subscribe(topic, options)),
    close: () => subscriber.close(),
    [Symbol.asyncDispose]: () => subscriber[Symbol.asyncDispose](),
  };
}

function stripped(inner: Subscription): Subscription {
  return {
    topic: inner.topic,
    closed: inner.closed,
    get finished() {
      return (inner as { readonly finished?: boolean }).finished === true;
    },
    status: () => inner.status(),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    flush: () => inner.flush(),
    drain: (options) => inner.drain(options),
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    [Symbol.asyncIterator]: () => {
      const iterator = inner[Symbol.asyncIterator]();
      return {
        next: async () => {
          const step = await iterator.next();
          return step.done ? step : { done: false, value: strippedMessage(step.value) };
        },
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  } as Subscription;
}

function strippedMessage(inner: ReceivedMessage): ReceivedMessage {
  const outer = {};
  for (const name of ON_MESSAGES) {
    Object.defineProperty(outer, name, {
      get: () => {
        const value: unknown = Reflect.get(inner, name, inner);
        return typeof value === "function" ? value.bind(inner) : value;
      },
    });
  }
  Object.defineProperty(outer, "derive", { value: (changes: Parameters<ReceivedMessage["derive"]>[0]) => strippedMessage(inner.derive(changes)) });
  return outer as ReceivedMessage;
}
