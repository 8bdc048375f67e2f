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
/** Up to here all that is wanted must be outstanding, or the next message costs a round trip. */
const SMALL = 4;

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

  /**
   * `total` messages may be outstanding, `missing` of which are not here yet. 0 ends the consumer. What earlier consumers delivered
   * counts no more for the next one: so it begins with what is missing, and half of the total is enough to keep it busy.
   */
  ask(total: number, missing: number): void {
    const current = this.#changing ? this.#desired : this.#actual;
    const needed = total <= SMALL ? total : Math.ceil(total / 2);
    if (total === 0 ? current === 0 : current >= needed && current <= total * 2) return;
    this.#desired = total === 0 ? 0 : Math.min(MOST, Math.max(1, missing, needed));
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
