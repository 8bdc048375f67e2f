import type { Channel, ConsumeMessage } from "amqplib";

export interface ConsumerRules {
  readonly queue: string;
  onMessage(message: ConsumeMessage): void;
  /** The broker has ended the consumer: its queue is gone. */
  onCancel(): void;
  /** A consumer was ended because it was told to; nothing comes any more, for now. */
  onStopped(): void;
  onError(error: unknown): void;
}

/** Most messages that basic.qos can ask for. */
const MOST = 65_535;

/**
 * The consumer of a channel, with as much prefetch as is wanted. The broker takes a prefetch only when a consumer begins (quorum
 * queues know no other way), so a new one takes the place of the old when the wish has changed much.
 */
export class Consumer {
  readonly #channel: Channel;
  readonly #rules: ConsumerRules;
  #tag: string | undefined;
  /** The prefetch of the consumer there is, 0 for none. */
  #actual = 0;
  #desired = 0;
  #changing = false;
  #closed = false;

  constructor(channel: Channel, rules: ConsumerRules) {
    this.#channel = channel;
    this.#rules = rules;
  }

  /** No consumer is there, and none is on its way. */
  get idle(): boolean {
    return this.#actual === 0 && !this.#changing;
  }

  /** So many messages may be outstanding. 0 ends the consumer. */
  ask(count: number): void {
    const wish = count === 0 ? 0 : powerOfTwo(count);
    const current = this.#changing ? this.#desired : this.#actual;
    if (wish === current || (wish !== 0 && wish < current && wish * 4 > current)) return;
    this.#desired = wish;
    if (!this.#changing) this.#change();
  }

  close(): void {
    this.#closed = true;
  }

  #change(): void {
    this.#changing = true;
    this.#follow().catch((error: unknown) => {
      if (!this.#closed) this.#rules.onError(error);
    });
  }

  async #follow(): Promise<void> {
    const channel = this.#channel;
    while (this.#desired !== this.#actual && !this.#closed) {
      if (this.#tag !== undefined) {
        const tag = this.#tag;
        this.#tag = undefined;
        this.#actual = 0;
        await channel.cancel(tag);
      }
      const prefetch = this.#desired;
      if (prefetch === 0) {
        if (this.#actual === 0 && !this.#closed) this.#rules.onStopped();
        continue;
      }
      // Both at once: nothing else on the channel may set another prefetch between them.
      const qos = channel.prefetch(prefetch);
      const consume = channel.consume(this.#rules.queue, (message) => this.#onMessage(message));
      const [, { consumerTag }] = await Promise.all([qos, consume]);
      this.#tag = consumerTag;
      this.#actual = prefetch;
    }
    this.#changing = false;
  }

  #onMessage(message: ConsumeMessage | null): void {
    if (this.#closed) return;
    if (message === null) this.#rules.onCancel();
    else this.#rules.onMessage(message);
  }
}

function powerOfTwo(count: number): number {
  return count >= MOST ? MOST : 2 ** Math.ceil(Math.log2(count));
}
