import { type Capabilities, type Message, MillraceError, OptionError, PublishError, type PubSub, type SubscribeOptions, type Subscription } from "millrace";
import { checkPublish, checkSubscribe, OpenSubscriptions, OptionCheck, publishWithinDelay } from "millrace/adapter";
import { capabilities } from "./capabilities.ts";
import { encode } from "./codec.ts";
import type { ToyBroker } from "./toy-broker.ts";
import { toySource } from "./toy-source.ts";

export { capabilities };

/** A pub/sub on the toy broker. */
export class ToyPubSub implements PubSub {
  readonly capabilities: Capabilities = capabilities;
  readonly #broker: ToyBroker;
  readonly #open: OpenSubscriptions = new OpenSubscriptions();
  #closing: Promise<void> | undefined;

  constructor(options: { readonly broker: ToyBroker }) {
    new OptionCheck("ToyPubSub").known(options, { broker: true }).required("broker", options.broker).done();
    this.#broker = options.broker;
  }

  async publish(topic: string, given: Message | readonly Message[], options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const messages = Array.isArray(given) ? given : [given as Message];
    checkPublish("ToyPubSub", topic, messages, options);
    const code = this.#closing === undefined ? (options.signal?.aborted ? "PUBLISH_ABORTED" : undefined) : "CLOSED";
    if (code !== undefined) throw new PublishError("nothing was published", { code, cause: options.signal?.reason, outcomes: messages.map(() => "rejected") });
    await publishWithinDelay("ToyPubSub", messages, capabilities.maxPublishDelayMs, async (list) => {
      for (const message of list) this.#broker.append(topic, encode(message));
    });
  }

  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    const source = toySource(this.#broker, topic, this.#group(topic, options));
    return await this.#open.start({ topic, options, settings: { adapter: "toy" }, source });
  }

  async provision(topic: string, options: Pick<SubscribeOptions, "group" | "from"> = {}): Promise<void> {
    this.#broker.queue(topic, this.#group(topic, options));
  }

  close(): Promise<void> {
    this.#closing ??= this.#open.close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.close(), this.#open.giveBack()]);
  }

  #group(topic: string, options: SubscribeOptions): string {
    checkSubscribe("ToyPubSub", topic, options);
    if (this.#closing !== undefined) throw new MillraceError("the pub/sub is closed", { code: "CLOSED" });
    if (options.from !== undefined && options.from !== "latest")
      throw new OptionError("ToyPubSub", ['from can only be "latest": the broker keeps nothing older']);
    if (options.group === undefined) throw new OptionError("ToyPubSub", ["group is missing: the broker has no reading without one"]);
    return options.group;
  }
}
