import { OptionError } from "../../errors/index.ts";
import type { BrokerAdmin, Capabilities, MaybePromise, SubscribeOptions, Subscriber, Subscription } from "../../message/index.ts";
import type { AdapterSubscriptionOptions } from "../adapter-subscription.ts";
import { OpenSubscriptions } from "../open-subscriptions.ts";
import { checkSubscribe } from "../subscribe-options.ts";
import { checkedAdmin } from "./checked-admin.ts";
import { Life } from "./life.ts";

/** What one subscription reads, and how. */
export type Reading<Receipt = unknown> = Omit<AdapterSubscriptionOptions<Receipt>, "topic" | "options">;

/** What only the adapter knows of reading. */
export interface SubscriberParts<Receipt = unknown> {
  readonly capabilities: Capabilities;
  /** What tools may ask, if anything; before it is asked, the arguments are checked, and that the subscriber is open. */
  readonly admin?: BrokerAdmin | undefined;
  /** Throws `OptionError` for what this broker cannot do. What is wrong with any broker, or by the capabilities, is found without it. No I/O. */
  check?(topic: string, options: SubscribeOptions): void;
  reading(topic: string, options: SubscribeOptions): Reading<Receipt>;
  provision(topic: string, options: Pick<SubscribeOptions, "group" | "from">): MaybePromise<unknown>;
  /** Ends its connections. Nothing is open on them any more. */
  close(): MaybePromise<void>;
}

/** A subscriber, of which an adapter writes only the parts: what it is given is checked, what it has open ends with it, and then it refuses. */
export class SubscriberShell<Receipt = unknown> implements Subscriber {
  readonly #subject: string;
  readonly #parts: SubscriberParts<Receipt>;
  readonly #open: OpenSubscriptions = new OpenSubscriptions();
  readonly #life: Life;
  /** What tools may ask of the broker: see `BrokerAdmin`. */
  readonly admin: BrokerAdmin | undefined;

  /** `subject`: the class, for error texts. */
  constructor(subject: string, parts: SubscriberParts<Receipt>) {
    this.#subject = subject;
    this.#parts = parts;
    this.#life = new Life("subscriber", () => this.#end());
    this.admin = parts.admin === undefined ? undefined : checkedAdmin(subject, parts.admin, this.#life.check);
  }

  get capabilities(): Capabilities {
    return this.#parts.capabilities;
  }

  /** Resolves when the subscription misses nothing any more. Rejects with an `OptionError`, with `CLOSED`, and with what the broker says. */
  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    this.#check(topic, options);
    const { groupless } = this.#parts.capabilities;
    if (groupless === false && options.group === undefined) {
      throw new OptionError(`${this.#subject}.subscribe`, ["group is missing: this broker has no reading without one"]);
    }
    return await this.#open.start<Receipt>({ topic, options, ...this.#parts.reading(topic, options) });
  }

  /** Makes what a later subscription needs, so that nothing published from then on is missed. Rejects as `subscribe` does. */
  async provision(topic: string, options: Pick<SubscribeOptions, "group" | "from"> = {}): Promise<void> {
    this.#check(topic, options);
    await this.#parts.provision(topic, options);
  }

  /** Drains what is open, and ends the connections. */
  close(): Promise<void> {
    return this.#life.close();
  }

  /** As `close`, but no handler is waited for: what is unsettled goes back at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.close(), this.#open.giveBack()]);
  }

  #check(topic: string, options: SubscribeOptions): void {
    checkSubscribe(this.#subject, topic, options);
    this.#parts.check?.(topic, options);
    if (this.#parts.capabilities.replay === false && options.from !== undefined && options.from !== "latest") {
      throw new OptionError(`${this.#subject}.subscribe`, ['from can only be "latest": this broker keeps nothing older']);
    }
    this.#life.check();
  }

  async #end(): Promise<void> {
    try {
      await this.#open.close();
    } finally {
      await this.#parts.close();
    }
  }
}
