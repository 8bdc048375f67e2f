import type {
  BrokerAdmin,
  Capabilities,
  MaybePromise,
  Message,
  Publisher,
  PublishOptions,
  PubSub,
  SubscribeOptions,
  Subscriber,
  Subscription,
} from "../../message/index.ts";
import { Life } from "./life.ts";
import type { SubscriberShell } from "./subscriber-shell.ts";

export interface PubSubParts {
  readonly capabilities: Capabilities;
  readonly publisher: Publisher;
  readonly subscriber: Subscriber & Pick<SubscriberShell, "provision">;
  /** Ends what belongs to neither side; both are closed. */
  close?(): MaybePromise<void>;
}

/** Both sides of a broker in one object, each on connections of its own. */
export class PubSubShell implements PubSub {
  readonly capabilities: Capabilities;
  /** What tools may ask of the broker: see `BrokerAdmin`. */
  readonly admin: BrokerAdmin | undefined;
  readonly #parts: PubSubParts;
  readonly #life: Life;

  constructor(parts: PubSubParts) {
    this.capabilities = parts.capabilities;
    this.admin = parts.subscriber.admin;
    this.#parts = parts;
    this.#life = new Life("pub/sub", () => this.#end());
  }

  publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    return this.#parts.publisher.publish(topic, messages, options);
  }

  subscribe(topic: string, options?: SubscribeOptions): Promise<Subscription> {
    return this.#parts.subscriber.subscribe(topic, options);
  }

  /** Makes what a later subscription needs, so that nothing published from then on is missed. */
  provision(topic: string, options?: Pick<SubscribeOptions, "group" | "from">): Promise<void> {
    return this.#parts.subscriber.provision(topic, options);
  }

  /** Drains the subscriptions, then waits for the calls of `publish` under way. */
  close(): Promise<void> {
    return this.#life.close();
  }

  /** As `close`, but no handler is waited for: what is unsettled goes back at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#parts.subscriber[Symbol.asyncDispose]();
    } finally {
      await this.close();
    }
  }

  async #end(): Promise<void> {
    const { subscriber, publisher } = this.#parts;
    try {
      await subscriber.close();
    } finally {
      try {
        await publisher.close();
      } finally {
        await this.#parts.close?.();
      }
    }
  }
}
