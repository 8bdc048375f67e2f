import { PublishError } from "../errors/index.ts";
import { OptionCheck } from "../options/index.ts";
import { DECORATES } from "./adapter-name.ts";
import { checkPublish } from "./check-publish.ts";
import type { Message } from "./message.ts";
import type { Publisher, PublishOptions } from "./publisher.ts";
import type { Capabilities } from "./subscriber.ts";

/** Changes the message it is given, or returns another one. */
// biome-ignore lint/suspicious/noConfusingVoidType: a transform that changes its message in place returns nothing
export type MessageTransform = (message: Message, topic: string) => Message | void;

/**
 * A publisher decorator that passes every message through `transform` before it is published.
 *
 * The transform is given a copy (same id, key, payload, due time and topic): the caller's message is never changed, so publishing it again
 * transforms it once again from the original. A call stays one call: order and batch are kept. When the transform throws,
 * nothing of the call is sent, and it rejects with `PublishError` `TRANSFORM_FAILED`, all outcomes `"rejected"`, the error as cause.
 * Throws `OptionError` `BAD_OPTION` when `transform` is no function.
 *
 * ```ts
 * router.addPublisherDecorators(transformPublisher((message) => { message.metadata.set("tenant", "acme"); }));
 * ```
 */
export function transformPublisher(transform: MessageTransform): (publisher: Publisher) => Publisher {
  new OptionCheck("transformPublisher").required("transform", transform).call("transform", transform).done();
  return (publisher) => new TransformedPublisher(publisher, transform);
}

class TransformedPublisher implements Publisher {
  readonly #inner: Publisher;
  readonly #transform: MessageTransform;

  constructor(inner: Publisher, transform: MessageTransform) {
    this.#inner = inner;
    this.#transform = transform;
  }

  get capabilities(): Capabilities | undefined {
    return this.#inner.capabilities;
  }

  publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    let changed: Message | readonly Message[];
    try {
      checkPublish("transformPublisher", topic, isList(messages) ? messages : [messages], options);
    } catch (error) {
      return Promise.reject(error);
    }
    try {
      changed = isList(messages) ? messages.map((message) => this.#change(message, topic)) : this.#change(messages, topic);
    } catch (cause) {
      const count = isList(messages) ? messages.length : 1;
      const text = `nothing was published to ${JSON.stringify(topic)}: the transform of a message failed`;
      return Promise.reject(new PublishError(text, { code: "TRANSFORM_FAILED", cause, outcomes: Array.from({ length: count }, () => "rejected") }));
    }
    return this.#inner.publish(topic, changed, options);
  }

  get [DECORATES](): Publisher {
    return this.#inner;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }

  #change(message: Message, topic: string): Message {
    const copy = message.copy();
    return this.#transform(copy, topic) ?? copy;
  }
}

function isList(messages: Message | readonly Message[]): messages is readonly Message[] {
  return Array.isArray(messages);
}
