import { type Fetched, Received, type Settler } from "../adapter/index.ts";
import type { Delivery, Message, MessageOptions, NackOptions, ReceivedMessage, Verdict } from "../message/index.ts";
import { Message as PlainMessage } from "../message/index.ts";
import { TextMap } from "../message/metadata.ts";
import { OptionCheck, type OptionNames } from "../options/index.ts";

/** What the message is made of (see `MessageOptions`), and what is told of its delivery: `topic` is the one it was read from. */
export interface ReceivedOptions extends Omit<MessageOptions, "topic">, Partial<Omit<Delivery, "attempt">> {
  /** Bytes or text. Default: empty. */
  readonly payload?: Uint8Array | string | undefined;
  /** Becomes the payload as JSON, instead of `payload`. */
  readonly json?: unknown;
  /** Default 1. */
  readonly attempt?: number | undefined;
}

const NAMES: OptionNames<ReceivedOptions> = {
  payload: true,
  json: true,
  attempt: true,
  id: true,
  key: true,
  metadata: true,
  delayMs: true,
  deliverAt: true,
  topic: true,
  brokerDeliveries: true,
  orderingKey: true,
  group: true,
  position: true,
  publishedAt: true,
  handler: true,
  publishTopic: true,
};

/** A received message that stands alone: no subscription, no broker. */
export interface LoneMessage extends ReceivedMessage {
  /** What became of it; undefined while it has no verdict. */
  readonly verdict: Verdict | undefined;
  /** The options of the nack that holds; `uncounted` when the message goes back as one that did nothing wrong. */
  readonly nackedWith: NackOptions | undefined;
  /** As if the broker had taken it away: `signal` aborts, later verdicts answer false. */
  lose(reason?: unknown): boolean;
}

/**
 * Makes what a handler is given, for a unit test of the handler: the verdict can be inspected afterwards.
 *
 * Behaves as a message read from a subscription: the first verdict wins, `settled` resolves, the verdict ends the signal. Throws
 * `OptionError` `BAD_OPTION`.
 *
 * ```ts
 * const message = received({ json: { id: "o-1" }, topic: "order.placed", attempt: 3 });
 * await handler(message);
 * message.verdict; // undefined, unless the handler gave one itself
 * ```
 */
export function received(message: Message | ReceivedOptions | string | Uint8Array = {}): LoneMessage {
  if (typeof message === "string" || message instanceof Uint8Array) return lone(new PlainMessage(message), {});
  if (isMessage(message)) return lone(message, {});
  new OptionCheck("received").known(message, NAMES).done();
  const { id, key, metadata, delayMs, deliverAt } = message;
  const options: MessageOptions = { id, key, metadata, delayMs, deliverAt };
  const plain = message.json === undefined ? new PlainMessage(message.payload ?? "", options) : PlainMessage.json(message.json, options);
  return lone(plain, message);
}

function isMessage(value: Message | ReceivedOptions): value is Message {
  return typeof (value as Partial<Message>).copy === "function";
}

function lone(message: Message, options: ReceivedOptions): LoneMessage {
  return new StandingAlone({ source: message, key: message.key, payload: message.payload, metadata: new TextMap(message.metadata) }, options);
}

class StandingAlone extends Received<undefined> implements LoneMessage, Settler<undefined> {
  nackedWith: NackOptions | undefined;
  readonly #options: ReceivedOptions;

  constructor(fetched: Fetched, options: ReceivedOptions) {
    super(fetched, undefined, options.attempt ?? 1);
    this.#options = options;
    this.adopt(this, 0);
  }

  holds(): boolean {
    return true;
  }

  onAck(): void {}

  onNack(_message: Received<undefined>, options: NackOptions | undefined): void {
    this.nackedWith = options ?? {};
  }

  orderOf(): string | undefined {
    return this.#options.orderingKey ?? this.key;
  }

  describe(): Delivery {
    const { topic = "test", brokerDeliveries, orderingKey, group, position, publishedAt, handler, publishTopic } = this.#options;
    return { topic, attempt: this.attempt, brokerDeliveries, orderingKey, group, position, publishedAt, handler, publishTopic };
  }
}
