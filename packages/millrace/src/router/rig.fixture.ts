import { HandSource } from "../adapter/hand-source.fixture.ts";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type Publisher, type PublishOptions, type SubscribeOptions, type Subscriber, type Subscription } from "../message/index.ts";
import { STRIPPED, stripped, strippedSubscription } from "../message/stripped.fixture.ts";
import { Router, type RouterOptions } from "./index.ts";

/** A memory bus, a router on it, and what the router logs. Closing the rig closes both, without waiting. */
export class Rig implements AsyncDisposable {
  readonly bus: MemoryPubSub = new MemoryPubSub();
  readonly logger: RecordingLogger = new RecordingLogger();
  readonly router: Router;

  constructor(options: RouterOptions = {}) {
    this.router = new Router({ subscriber: STRIPPED ? stripped(this.bus) : this.bus, publisher: this.bus, logger: this.logger, ...options });
  }

  /** Publishes texts, each without a key or as `[key, text]`. */
  async send(topic: string, ...payloads: readonly (string | readonly [string, string])[]): Promise<void> {
    const messages = payloads.map((given) => (typeof given === "string" ? new Message(given) : new Message(given[1], { key: given[0] })));
    await this.bus.publish(topic, messages);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.router[Symbol.asyncDispose]();
    await this.bus.close();
  }
}

/** Gathers what arrives on a topic. */
export async function outputOf(
  bus: MemoryPubSub,
  topic: string,
): Promise<{ readonly messages: Message[]; readonly texts: string[]; subscription: Subscription }> {
  const subscription = await bus.subscribe(topic);
  const messages: Message[] = [];
  const texts: string[] = [];
  void (async () => {
    for await (const message of subscription) {
      messages.push(message);
      texts.push(message.text());
      message.ack();
    }
  })();
  return { messages, texts, subscription };
}

/** A publisher that a test can make fail, or hold back, call by call. */
export class HandPublisher implements Publisher {
  readonly calls: { readonly topic: string; readonly messages: readonly Message[]; readonly options: PublishOptions | undefined }[] = [];
  closed = 0;
  onPublish: (call: number, messages: readonly Message[]) => Promise<void> | void = () => {};

  async publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message];
    const call = this.calls.push({ topic, messages: list, options });
    await this.onPublish(call, list);
  }

  /** Texts of all messages so far, call by call. */
  get texts(): string[] {
    return this.calls.flatMap(({ messages }) => messages.map((message) => message.text()));
  }

  async close(): Promise<void> {
    this.closed++;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Resolves when the condition holds; fails after five seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const began = performance.now();
  while (!condition()) {
    if (performance.now() - began > 5000) throw new Error(`waited 5 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A subscriber whose sessions a test drives by hand. */
export class HandSubscriber implements Subscriber {
  readonly source: HandSource = new HandSource();
  readonly options: SubscribeOptions[] = [];
  readonly subscriptions: Subscription[] = [];
  closed = 0;

  async subscribe(_topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    this.options.push(options);
    const subscription = await this.source.subscribe(options);
    this.subscriptions.push(subscription);
    return STRIPPED ? strippedSubscription(subscription) : subscription;
  }

  async close(): Promise<void> {
    this.closed++;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
