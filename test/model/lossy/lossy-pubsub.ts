import { type Message, MillraceError, OptionError, PublishError, type PubSub, type SubscribeOptions, type Subscription, silentLogger } from "millrace";
import { checkPublish, checkSubscribe, OpenSubscriptions } from "millrace/adapter";
import { LossyGroup } from "./lossy-group.ts";
import { LossySource } from "./lossy-source.ts";
import type { Parcel, Receipt } from "./parcel.ts";

export interface LossyOptions {
  readonly positions: boolean;
  readonly returns: boolean;
  readonly settleMs: number;
  readonly againMs: number;
  readonly onLost: (topic: string, group: string, parcels: readonly Parcel[]) => void;
  /** One of them is handed out again. */
  readonly onAgain: (topic: string, group: string, parcel: Parcel) => void;
}

/** A pub/sub on a broker that loses deliveries and connections when it is told to, and gives out again what it lost. It keeps keys. */
export class LossyPubSub implements PubSub {
  readonly #options: LossyOptions;
  readonly #open: OpenSubscriptions = new OpenSubscriptions();
  readonly #topics: Map<string, Map<string, LossyGroup>> = new Map();
  readonly #sources: Set<LossySource> = new Set();
  #offset = 0;
  #closing: Promise<void> | undefined;

  constructor(options: LossyOptions) {
    this.#options = options;
  }

  async publish(topic: string, given: Message | readonly Message[]): Promise<void> {
    const messages = Array.isArray(given) ? (given as readonly Message[]) : [given as Message];
    checkPublish("LossyPubSub", topic, messages);
    if (this.#closing !== undefined) throw new PublishError("nothing was published", { code: "CLOSED", outcomes: messages.map(() => "rejected") });
    for (const message of messages) {
      const offset = ++this.#offset;
      for (const group of this.#groups(topic).values()) group.add([parcelOf(message, offset)]);
    }
  }

  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    const name = this.#nameOf(topic, options);
    const { positions, returns, settleMs, againMs, onLost, onAgain } = this.#options;
    const source = new LossySource(this.#group(topic, name), {
      positions,
      settleMs,
      againMs,
      onLost: (parcels) => onLost(topic, name, parcels),
      onDelivered: (parcel) => onAgain(topic, name, parcel),
    });
    this.#sources.add(source);
    const settings = { adapter: "lossy", logger: silentLogger, keepsAttempts: true, returns, reconnect: { minDelayMs: 10, maxDelayMs: 40 } };
    const onClosed = (): void => {
      this.#sources.delete(source);
      source.end();
    };
    return await this.#open.start<Receipt>({ topic, options, settings, source, onClosed });
  }

  async provision(topic: string, options: Pick<SubscribeOptions, "group" | "from"> = {}): Promise<void> {
    this.#group(topic, this.#nameOf(topic, options));
  }

  lose(which: (parcel: Parcel) => boolean): void {
    for (const source of this.#sources) source.lose(which);
  }

  cut(losing: boolean, fatal: boolean): void {
    for (const source of [...this.#sources]) source.cut(losing, fatal);
  }

  breakVerdict(): void {
    for (const source of this.#sources) source.breakVerdict();
  }

  close(): Promise<void> {
    this.#closing ??= this.#open.close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.close(), this.#open.giveBack()]);
  }

  #nameOf(topic: string, options: SubscribeOptions): string {
    checkSubscribe("LossyPubSub", topic, options);
    if (this.#closing !== undefined) throw new MillraceError("the pub/sub is closed", { code: "CLOSED" });
    if (options.group === undefined) throw new OptionError("LossyPubSub", ["group is missing"]);
    return options.group;
  }

  #groups(topic: string): Map<string, LossyGroup> {
    let groups = this.#topics.get(topic);
    if (groups === undefined) this.#topics.set(topic, (groups = new Map()));
    return groups;
  }

  #group(topic: string, name: string): LossyGroup {
    const groups = this.#groups(topic);
    let group = groups.get(name);
    if (group === undefined) groups.set(name, (group = new LossyGroup()));
    return group;
  }
}

function parcelOf(message: Message, offset: number): Parcel {
  const { id, key, payload } = message;
  return { offset, id, key, payload, metadata: new Map(message.metadata), attempt: 1, delivery: 0, settled: false };
}
