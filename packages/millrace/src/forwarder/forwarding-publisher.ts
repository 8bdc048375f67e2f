import { checkPublish } from "../message/check-publish.ts";
import { DELAYED_FOR_KEY, DELAYED_UNTIL_KEY } from "../message/delay-keys.ts";
import { holdsBack } from "../message/holds-back.ts";
import type { Capabilities, Message, Publisher, PublishOptions } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import { envelope } from "./envelope.ts";
import { FORWARDER_DEFAULTS } from "./forwarder-options.ts";

export interface ForwardingPublisherOptions {
  /** Of the outbox, nearly always one inside the caller's transaction. */
  readonly publisher: Publisher;
  /** The topic of the envelopes. Default `"forwarder_topic"`. */
  readonly topic?: string | undefined;
  /** Metadata keys that are copied to the envelope message, for what works in the outbox, such as a trace. Default: none. */
  readonly carry?: readonly string[] | undefined;
}

/**
 * A publisher that puts every message into an envelope for another topic, from where a `Forwarder` brings it to its destination.
 *
 * All messages of a call are one call of the wrapped publisher, whose promises and errors hold as they are: outcomes have the
 * same positions. An envelope carries the message's ordering key. A message that is not due yet waits in the outbox, where that can hold
 * it back; else at its destination, which refuses it if it cannot either. `close()` closes the wrapped publisher. Throws `OptionError`
 * `BAD_OPTION` for bad options; `publish` rejects with it for what is no topic, no message or no options.
 *
 * ```ts
 * const outbox = new ForwardingPublisher({ publisher: pubsub.within(database) });
 * await outbox.publish("order.placed", Message.json({ id: "o-1" }));
 * ```
 */
export class ForwardingPublisher implements Publisher {
  readonly #publisher: Publisher;
  readonly #topic: string;
  readonly #carry: readonly string[];

  constructor(options: ForwardingPublisherOptions) {
    const check = new OptionCheck("ForwardingPublisher").known(options, { publisher: true, topic: true, carry: true });
    const { publisher, topic, carry } = options;
    check
      .required("publisher", publisher)
      .methods("publisher", publisher ?? undefined, ["publish", "close"])
      .text("topic", topic)
      .that(carry === undefined || (Array.isArray(carry) && carry.every((key) => typeof key === "string")), "carry must be a list of texts")
      .done();
    this.#publisher = publisher;
    this.#topic = topic ?? FORWARDER_DEFAULTS.topic;
    this.#carry = carry ?? [];
  }

  /** Those of the outbox. */
  get capabilities(): Capabilities | undefined {
    return this.#publisher.capabilities;
  }

  async publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message];
    checkPublish("ForwardingPublisher", topic, list, options);
    const wrapped = list.map((message) => this.#wrap(topic, message));
    await this.#publisher.publish(this.#topic, Array.isArray(messages) ? wrapped : (wrapped[0] as Message), options);
  }

  close(): Promise<void> {
    return this.#publisher.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#publisher[Symbol.asyncDispose]();
  }

  #wrap(topic: string, message: Message): Message {
    const wrapped = envelope(topic, message);
    const carry = holdsBack(this.#publisher, message) ? [...this.#carry, DELAYED_FOR_KEY, DELAYED_UNTIL_KEY] : this.#carry;
    for (const key of carry) {
      const value = message.metadata.get(key);
      if (value !== undefined) wrapped.metadata.set(key, value);
    }
    return wrapped;
  }
}
