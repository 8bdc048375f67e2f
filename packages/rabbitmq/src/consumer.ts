import type { Channel, ConsumeMessage } from "amqplib";

export interface Need {
  /** Messages that should come and are not here. 0: none should. */
  readonly missing: number;
  /** Messages that the broker has sent and that are not settled. */
  readonly outstanding: number;
  /** Of those, the ones that count against the consumer there is. */
  readonly charged: number;
}

export interface ConsumerRules {
  readonly queue: string;
  /** The queue may mix up the order of what it sends to two consumers: quorum queues do. */
  readonly oneAtATime: boolean;
  need(): Need;
  onMessage(message: ConsumeMessage): void;
  /** What is delivered from here on counts against a new consumer. */
  onBegin(): void;
  /** The broker has ended the consumer: its queue is gone. */
  onCancel(): void;
  /** A consumer was ended because nothing is wanted; nothing comes any more. */
  onStopped(): void;
  onError(error: unknown): void;
}

/** Most messages that basic.qos can ask for. */
const MOST = 65_535;
/** Up to here all that is wanted is asked for, or the next message would cost a round trip. */
const SMALL = 4;
/** Up to here nothing beyond what is wanted is asked for: others could be handling it. */
const MODEST = 64;

/**
 * The consumer of a channel, with as much prefetch as is wanted. The broker takes a prefetch only when a consumer begins (quorum
 * queues know no other way), so a new one takes the place of the old when the need has changed much. What was delivered to the
 * old one does not count against the new.
 */
export class Consumer {
  readonly #channel: Channel;
  readonly #rules: ConsumerRules;
  #tag: string | undefined;
  /** The prefetch of the consumer there is, 0 for none. */
  #prefetch = 0;
  #changing = false;
  #closed = false;

  constructor(channel: Channel, rules: ConsumerRules) {
    this.#channel = channel;
    this.#rules = rules;
  }

  /** No consumer is there, and none is on its way. */
  get idle(): boolean {
    return this.#prefetch === 0 && !this.#changing;
  }

  /** Looks whether the consumer still fits the need. */
  adapt(): void {
    if (this.#changing || this.#closed || this.#better() === undefined) return;
    this.#changing = true;
    this.#follow().catch((error: unknown) => {
      if (!this.#closed) this.#rules.onError(error);
    });
  }

  close(): void {
    this.#closed = true;
  }

  /** A better prefetch than the one there is; undefined when that is good enough. */
  #better(): number | undefined {
    const { missing, outstanding, charged } = this.#rules.need();
    if (missing === 0) return this.#prefetch === 0 ? undefined : 0;
    const total = outstanding + missing;
    const free = this.#prefetch - charged;
    const enough = total <= SMALL ? free >= missing : free * 2 >= missing;
    if (enough && this.#prefetch <= Math.max(SMALL, total * 2)) return undefined;
    if (total <= SMALL) return total;
    return Math.min(MOST, total <= MODEST ? missing : Math.min(total, missing * 2));
  }

  async #follow(): Promise<void> {
    for (let prefetch = this.#better(); prefetch !== undefined && !this.#closed; prefetch = this.#better()) {
      const old = this.#tag;
      if (old === undefined) await this.#start(prefetch);
      else if (prefetch === 0) {
        await this.#stop(old);
        if (!this.#closed && this.#rules.need().missing === 0) this.#rules.onStopped();
      } else if (prefetch <= MODEST || this.#rules.oneAtATime) {
        // The two at once could have more sent than is wanted, and others could be handling it.
        await this.#stop(old);
      } else {
        // Between two consumers nothing would come: the old one goes last.
        await this.#start(prefetch);
        await this.#channel.cancel(old);
      }
    }
    this.#changing = false;
  }

  async #start(prefetch: number): Promise<void> {
    // Both at once: nothing else on the channel may set another prefetch between them.
    const qos = this.#channel.prefetch(prefetch);
    const consume = this.#channel.consume(this.#rules.queue, (message) => this.#onMessage(message));
    this.#rules.onBegin();
    const [, { consumerTag }] = await Promise.all([qos, consume]);
    this.#tag = consumerTag;
    this.#prefetch = prefetch;
  }

  async #stop(tag: string): Promise<void> {
    this.#tag = undefined;
    this.#prefetch = 0;
    await this.#channel.cancel(tag);
  }

  #onMessage(message: ConsumeMessage | null): void {
    if (this.#closed) return;
    if (message === null) this.#rules.onCancel();
    else this.#rules.onMessage(message);
  }
}
