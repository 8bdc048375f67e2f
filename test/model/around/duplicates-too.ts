import type { Message, Publisher } from "millrace";
import type { World } from "../run/world.ts";

/** Outside of `deduplicatePublisher`: what it left out for its id is confirmed all the same, when one with this id is. */
export function duplicatesToo({ ledger }: World): (publisher: Publisher) => Publisher {
  const known = new Set<string>();
  return (publisher) => ({
    publish: async (topic, given, options) => {
      const messages = Array.isArray(given) ? (given as readonly Message[]) : [given as Message];
      await publisher.publish(topic, given, options);
      for (const message of messages) if (ledger.isConfirmed(message.text())) known.add(`${topic} ${message.id}`);
      const left = messages.filter((message) => message.id !== "" && known.has(`${topic} ${message.id}`)).map((message) => message.text());
      if (left.length > 0) ledger.confirmed(left);
    },
    close: () => publisher.close(),
    [Symbol.asyncDispose]: () => publisher[Symbol.asyncDispose](),
  });
}
