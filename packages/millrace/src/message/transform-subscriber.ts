import { OptionCheck } from "../options/index.ts";
import { DECORATES, type Decorating } from "./adapter-name.ts";
import { inHandOf } from "./in-hand.ts";
import { reasonText } from "./reason-text.ts";
import type { ReceivedMessage } from "./received-message.ts";
import type { DrainOptions, SubscribeOptions, Subscriber, Subscription, SubscriptionStatus } from "./subscriber.ts";
import { SUBSCRIPTION_DOOR, type SubscriptionDoor, subscriptionDoor } from "./subscription-door.ts";

/** Changes the message it is given, or returns another view of it (see `derive`). */
// biome-ignore lint/suspicious/noConfusingVoidType: a transform that changes its message in place returns nothing
export type ReceivedTransform = (message: ReceivedMessage, topic: string) => ReceivedMessage | void;

type Step = IteratorResult<ReceivedMessage>;

/** First wait after a failed transform; doubled each time. */
const MIN_DELAY_MS = 100;
const MAX_DELAY_MS = 30_000;

/**
 * A subscriber decorator that passes every message through `transform` before it is handed out.
 *
 * The transform is given a view with metadata of its own, which shares id, payload and verdict with the original: a redelivery
 * is transformed from the original again. Order is kept, nothing is buffered, and closing never waits for a reader. When the
 * transform throws, the message goes back (100 ms, doubled each time, 30 s at most) and the next one is handed out; no attempt is counted for
 * that, since its handler had no part in it. Provisioning is passed on where the subscriber can, and so are its capabilities and its `admin`.
 * Throws `OptionError` `BAD_OPTION` when `transform` is no function.
 *
 * ```ts
 * router.addSubscriberDecorators(transformSubscriber((message) => { message.metadata.set("seen_by", "billing"); }));
 * ```
 */
export function transformSubscriber(transform: ReceivedTransform): (subscriber: Subscriber) => Subscriber {
  new OptionCheck("transformSubscriber").required("transform", transform).call("transform", transform).done();
  return (subscriber) => {
    const decorated: Subscriber = {
      get capabilities() {
        return subscriber.capabilities;
      },
      get admin() {
        return subscriber.admin;
      },
      subscribe: async (topic, options) => new TransformedSubscription(await subscriber.subscribe(topic, options), transform),
      close: () => subscriber.close(),
      [Symbol.asyncDispose]: () => subscriber[Symbol.asyncDispose](),
      [DECORATES]: subscriber,
    } as Subscriber & Decorating;
    if (subscriber.provision === undefined) return decorated;
    return Object.assign(decorated, {
      provision: (topic: string, options?: Pick<SubscribeOptions, "group" | "from">) => provisionWith(subscriber, topic, options),
    });
  };
}

async function provisionWith(subscriber: Subscriber, topic: string, options: Pick<SubscribeOptions, "group" | "from"> | undefined): Promise<void> {
  await subscriber.provision?.(topic, options);
}

class TransformedSubscription implements Subscription {
  readonly #inner: Subscription;
  readonly #transform: ReceivedTransform;
  readonly #door: SubscriptionDoor | undefined;
  /** How often the transform of a message failed, while it stayed in this process. */
  readonly #failed: WeakMap<object, number> = new WeakMap();

  constructor(inner: Subscription, transform: ReceivedTransform) {
    this.#inner = inner;
    this.#transform = transform;
    const door = subscriptionDoor(inner);
    this.#door = door === undefined ? undefined : this.#doorBefore(door);
  }

  get [SUBSCRIPTION_DOOR](): SubscriptionDoor | undefined {
    return this.#door;
  }

  get topic(): string {
    return this.#inner.topic;
  }

  get finished(): boolean {
    return this.#inner.finished;
  }

  get closed(): Promise<void> {
    return this.#inner.closed;
  }

  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage> {
    const iterator = this.#inner[Symbol.asyncIterator]();
    const forward = (step: Step): Step | Promise<Step> => {
      if (step.done === true) return step;
      const message = this.#change(step.value);
      return message === undefined ? iterator.next().then(forward) : { value: message, done: false };
    };
    return {
      next: () => iterator.next().then(forward),
      return: () => iterator.return?.() ?? Promise.resolve({ value: undefined, done: true }),
    };
  }

  status(): SubscriptionStatus {
    return this.#inner.status();
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  flush(): Promise<void> {
    return this.#inner.flush();
  }

  drain(options?: DrainOptions): Promise<void> {
    return this.#inner.drain(options);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }

  #doorBefore(door: SubscriptionDoor): SubscriptionDoor {
    return {
      take: () => {
        for (let taken = door.take(); taken !== undefined; taken = door.take()) {
          const message = this.#change(taken);
          if (message !== undefined) return message;
        }
        return undefined;
      },
      whenNext: (listener) => {
        const changed = (taken: ReceivedMessage | undefined): void => {
          const message = taken === undefined ? undefined : this.#change(taken);
          if (taken !== undefined && message === undefined && door.whenNext(changed)) return;
          listener(message);
        };
        return door.whenNext(changed);
      },
      idle: (signal) => door.idle(signal),
      get counts() {
        return door.counts;
      },
      onStatus: (listener) => door.onStatus(listener),
    };
  }

  /** The message as the reader sees it; undefined when the transform failed and the message went back. */
  #change(message: ReceivedMessage): ReceivedMessage | undefined {
    const view = message.derive({ metadata: message.metadata });
    try {
      return this.#transform(view, this.topic) ?? view;
    } catch (error) {
      const reason = `the transform failed: ${reasonText(error)}`;
      message.nack({ delayMs: this.#delayMs(message), reason, uncounted: true });
      return undefined;
    }
  }

  #delayMs(message: ReceivedMessage): number {
    const content = inHandOf(message)?.content;
    const failed = content === undefined ? 0 : (this.#failed.get(content) ?? 0);
    if (content !== undefined) this.#failed.set(content, failed + 1);
    // Of a message that went to the broker and came back only the broker knows.
    const times = Math.max(failed, (message.delivery.brokerDeliveries ?? 1) - 1);
    return Math.min(MAX_DELAY_MS, MIN_DELAY_MS * 2 ** Math.min(times, 20));
  }
}
