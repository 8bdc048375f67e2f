import { MillraceError, PermanentError } from "../../errors/index.ts";
import { monotonicMs } from "../../internal/timers.ts";
import {
  type HandlerIdentity,
  type Message,
  type Produced,
  type Publisher,
  type PublishOptions,
  producedList,
  type ReceivedMessage,
} from "../../message/index.ts";
import type { Observers } from "../observers.ts";

/** Where a handler's results go. */
export class Outlet {
  readonly #publisher: Publisher;
  readonly #topics: readonly string[];
  readonly #identity: HandlerIdentity;
  readonly #observers: Observers;
  readonly #options: PublishOptions;

  constructor(publisher: Publisher, topics: readonly string[], identity: HandlerIdentity, observers: Observers) {
    this.#publisher = publisher;
    this.#topics = topics;
    this.#identity = identity;
    this.#observers = observers;
    this.#options = Object.freeze({ producer: identity });
  }

  /**
   * Publishes in one call for each topic; messages without a key get the consumed message's, so that order per key holds along a
   * chain. With one topic a message's own `topic` is ignored, with several each message names its own.
   */
  publish(produced: Produced, consumed: ReceivedMessage): Promise<void> {
    try {
      const { key } = consumed;
      const list = producedList(produced);
      for (const message of list) if (!isMessage(message)) throw noMessage(this.#identity.handler, message);
      const keyed = key === undefined ? list : list.map((message) => (message.key === undefined ? message.copy({ key }) : message));
      if (this.#topics.length === 1) return this.#send(this.#topics[0] as string, keyed);
      const sent = [...this.#byTopic(keyed)].map(([topic, messages]) => this.#send(topic, messages));
      return allSent(sent);
    } catch (error) {
      // Something that is no message: a failure as any other.
      return Promise.reject(error);
    }
  }

  #byTopic(messages: readonly Message[]): Map<string, Message[]> {
    const groups = new Map<string, Message[]>();
    for (const message of messages) {
      const { topic } = message;
      if (topic === undefined || !this.#topics.includes(topic)) throw this.#wrongTopic(topic);
      const group = groups.get(topic);
      if (group === undefined) groups.set(topic, [message]);
      else group.push(message);
    }
    return groups;
  }

  #wrongTopic(topic: string | undefined): PermanentError {
    const what = topic === undefined ? "a message that names no topic" : `a message for topic ${JSON.stringify(topic)}, which it does not declare`;
    const known = this.#topics.map((known) => JSON.stringify(known)).join(", ");
    return new PermanentError(`handler ${JSON.stringify(this.#identity.handler)} returned ${what}: it publishes to ${known}`, { code: "WRONG_TOPIC" });
  }

  #send(topic: string, messages: readonly Message[]): Promise<void> {
    const given = messages.length === 1 ? (messages[0] as Message) : messages;
    if (!this.#observers.any) return this.#hand(topic, given);
    const began = monotonicMs();
    const tell = (failure: { readonly error?: unknown }): void =>
      this.#observers.published({ by: this.#identity, topic, count: messages.length, durationMs: monotonicMs() - began, ...failure });
    return this.#hand(topic, given).then(
      () => tell({}),
      (error: unknown) => {
        tell({ error });
        throw error;
      },
    );
  }

  /** A foreign publisher may throw at once: a failure as any other. */
  #hand(topic: string, given: Message | readonly Message[]): Promise<void> {
    try {
      return Promise.resolve(this.#publisher.publish(topic, given, this.#options));
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** Waits for all, also when one of them fails: what is under way must not outlive the verdict. */
async function allSent(sent: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(sent)) if (result.status === "rejected") throw result.reason;
}

function isMessage(value: unknown): value is Message {
  return (value as Partial<Message> | null | undefined)?.payload instanceof Uint8Array;
}

function noMessage(handler: string, value: unknown): PermanentError {
  const what = value === null ? "null" : Array.isArray(value) ? "a list in a list" : `a value of type ${typeof value}`;
  return new PermanentError(
    `handler ${JSON.stringify(handler)} returned ${what}, which is no message: return messages made with new Message(…) or Message.json(…), or nothing`,
    {
      code: "NOT_A_MESSAGE",
    },
  );
}

/** What a handler without a publisher gets for producing something. */
export function outputWithoutPublisher(handler: string): MillraceError {
  return new MillraceError(`handler ${JSON.stringify(handler)} returned messages but publishes nowhere: use addHandler with "publish", or return nothing`, {
    code: "OUTPUT_WITHOUT_PUBLISHER",
  });
}
