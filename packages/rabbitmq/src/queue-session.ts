import type { Channel, ConsumeMessage } from "amqplib";
import type { Delivery, MaybePromise } from "millrace";
import { type Intake, LATE, monotonicMs, Received, Ring, type Session, type Settlement, within } from "millrace/adapter";
import { AckLedger } from "./ack-ledger.ts";
import { amqpError } from "./amqp-error.ts";
import { Consumer, type Need } from "./consumer.ts";
import { leftMs } from "./expiry.ts";
import { leaveChannel } from "./leave-channel.ts";
import { type OpenLink, STOOD_STILL } from "./open-link.ts";
import { PutAside } from "./put-aside.ts";
import type { QueueRules } from "./queue-rules.ts";
import { attemptOf, describe, RabbitMqReceipt } from "./receipt.ts";
import { Returns } from "./returns.ts";
import { unreadError } from "./wire/read-properties.ts";

const CLOSE_MS = 500;

/** One channel on one queue. What it delivered is lost when the channel ends: the broker gives it to whoever asks next. */
export class QueueSession implements Session<RabbitMqReceipt> {
  readonly #channel: Channel;
  readonly #link: OpenLink;
  readonly #intake: Intake<RabbitMqReceipt>;
  readonly #rules: QueueRules;
  readonly #ledger: AckLedger = new AckLedger();
  readonly #consumer: Consumer;
  readonly #returns: Returns;
  readonly #aside: PutAside;
  /** Delivered by the broker beyond what was wanted. */
  readonly #surplus: Ring<Received<RabbitMqReceipt>> = new Ring();
  /** To go back to the broker as soon as it does not send it here again. */
  #back: Received<RabbitMqReceipt>[] = [];
  #wanted = 0;
  #live = true;
  #error: unknown;
  #stopWatching: () => void;

  constructor(channel: Channel, link: OpenLink, intake: Intake<RabbitMqReceipt>, rules: QueueRules) {
    this.#channel = channel;
    this.#link = link;
    this.#intake = intake;
    this.#rules = rules;
    this.#consumer = new Consumer(channel, {
      queue: rules.queue,
      oneAtATime: rules.quorum,
      need: () => this.#need(),
      onBegin: () => this.#ledger.mark(),
      onMessage: (message) => this.#onMessage(message),
      onCancel: () => this.end(amqpError(Object.assign(new Error(`the queue ${rules.queue} was deleted`), { code: 404 }), "reading from RabbitMQ")),
      onStopped: () => this.#onStopped(),
      onError: (error) => this.end(amqpError(error, `reading queue ${JSON.stringify(rules.queue)}`)),
    });
    const exits = {
      ack: (raw: ConsumeMessage) => this.#ackNow(raw),
      requeue: (raw: ConsumeMessage) => this.#requeue(raw.fields.deliveryTag),
      reject: (raw: ConsumeMessage) => this.#nack(raw.fields.deliveryTag, false),
    };
    this.#returns = new Returns(rules, exits, (detail) => intake.blocked(detail));
    this.#aside = new PutAside(rules, intake, this.#returns, exits);
    channel.on("error", (error) => {
      this.#error ??= error;
    });
    channel.on("close", () => queueMicrotask(() => this.end(this.#broken())));
    this.#stopWatching = link.watch({ onClose: (error) => this.end(amqpError(error, "reading from RabbitMQ")) });
  }

  /** Runs `run` when the session ends, whoever ends it. */
  onOver(run: () => void): void {
    const stopWatching = this.#stopWatching;
    this.#stopWatching = () => {
      stopWatching();
      run();
    };
    if (!this.#live) run();
  }

  // ── fetching ──

  want(count: number): void {
    if (!this.#live) return;
    this.#wanted = count;
    // The broker would send them behind the surplus.
    if (count > 0) while (this.#back.length > 0) this.#surplus.unshift(this.#back.pop() as Received<RabbitMqReceipt>);
    while (this.#wanted > 0 && this.#surplus.size > 0) this.#handOver(this.#surplus.shift() as Received<RabbitMqReceipt>);
    this.#consumer.adapt();
  }

  giveBack(messages: readonly Received<RabbitMqReceipt>[]): void {
    if (!this.#live) return;
    for (const message of messages) if (message.receipt.session === this) this.#back.push(message);
    this.#back.sort((one, other) => tagOf(one) - tagOf(other));
    if (this.#consumer.idle || this.#wanted > 0) this.#sendBack();
  }

  #need(): Need {
    const { untold, charged } = this.#ledger;
    return { missing: Math.max(0, this.#wanted - this.#surplus.size), outstanding: untold, charged };
  }

  #onMessage(raw: ConsumeMessage): void {
    if (!this.#live) return;
    this.#ledger.deliver(raw.fields.deliveryTag);
    const message = this.#read(raw);
    if (message === undefined) return;
    if (this.#wanted > 0 && this.#surplus.size === 0) this.#handOver(message);
    else this.#surplus.push(message);
  }

  #read(raw: ConsumeMessage): Received<RabbitMqReceipt> | undefined {
    if (leftMs(raw.properties) <= 0) {
      this.#nack(raw.fields.deliveryTag, false); // to the queue's dead-letter exchange, as the broker does itself
      return undefined;
    }
    try {
      const unread = unreadError(raw.properties.headers as Readonly<Record<string, unknown>> | undefined);
      if (unread !== undefined) throw unread;
      const source = this.#rules.codec.decode(raw.content, raw.properties);
      return new Received({ source, key: source.key, payload: source.payload, metadata: undefined }, new RabbitMqReceipt(raw, this), attemptOf(raw));
    } catch (error) {
      this.#aside.put(raw, error);
      return undefined;
    }
  }

  #handOver(message: Received<RabbitMqReceipt>): void {
    this.#wanted--;
    this.#intake.deliver(message);
  }

  #onStopped(): void {
    while (this.#surplus.size > 0) this.#back.push(this.#surplus.shift() as Received<RabbitMqReceipt>);
    this.#sendBack();
  }

  #sendBack(): void {
    const back = this.#back;
    this.#back = [];
    for (const message of back) this.#requeue(tagOf(message));
  }

  // ── verdicts ──

  settle(verdicts: readonly Settlement<RabbitMqReceipt>[], final: boolean): MaybePromise<void> {
    if (!this.#live) throw this.#broken();
    for (const verdict of verdicts) {
      const { receipt, attempt } = verdict.message;
      if (receipt.session !== this) continue;
      if (verdict.kind === "ack") this.#ledger.ack(receipt.raw.fields.deliveryTag);
      else if (verdict.kind === "return") this.#returns.send(receipt.raw, attempt + 1, verdict.delayMs);
    }
    this.#tell();
    const told = this.#roundTrip();
    return final ? Promise.all([told, this.#returns.settled()]).then(() => {}) : told;
  }

  holds({ receipt }: Received<RabbitMqReceipt>): boolean {
    if (!this.#live || receipt.session !== this) return false;
    if (!this.#link.stoodStill) return true;
    this.#link.destroy(new Error(STOOD_STILL));
    return false;
  }

  describe({ receipt }: Received<RabbitMqReceipt>): Partial<Delivery> {
    return describe(receipt.raw, this.#rules.patterns);
  }

  async caughtUp(): Promise<boolean> {
    if (!this.#live || this.#ledger.open > 0 || monotonicMs() < this.#returns.lastDueMs) return false;
    try {
      const { messageCount } = await this.#channel.checkQueue(this.#rules.queue);
      return messageCount === 0 && this.#ledger.open === 0;
    } catch {
      return false; // the channel has ended, which it tells by itself
    }
  }

  async close(): Promise<void> {
    const live = this.#live;
    this.#live = false;
    this.#consumer.close();
    this.#returns.close();
    this.#stopWatching();
    if (!live || this.#link.closed) return;
    if (this.#rules.temporary)
      await within(
        this.#channel.deleteQueue(this.#rules.queue).catch(() => {}),
        CLOSE_MS,
      );
    if (
      (await within(
        this.#channel.close().catch(() => {}),
        CLOSE_MS,
      )) === LATE
    )
      this.#link.destroy(new Error("the broker did not answer to closing a channel"));
  }

  /** Acks have no answer of their own; the answer to the next question says that they have arrived. */
  async #roundTrip(): Promise<void> {
    try {
      await this.#channel.prefetch(1);
    } catch (error) {
      throw amqpError(error, "acknowledging to RabbitMQ");
    }
  }

  #tell(): void {
    this.#ledger.flush((deliveryTag, multiple) => this.#channel.ack({ fields: { deliveryTag } } as ConsumeMessage, multiple));
  }

  #ackNow(raw: ConsumeMessage): void {
    if (!this.#live || !this.#ledger.ack(raw.fields.deliveryTag)) return;
    this.#tell();
    if (this.#wanted > 0) this.#consumer.adapt();
  }

  #requeue(tag: number): void {
    this.#nack(tag, true);
  }

  #nack(deliveryTag: number, requeue: boolean): void {
    if (this.#live && this.#ledger.take(deliveryTag)) this.#channel.nack({ fields: { deliveryTag } } as ConsumeMessage, false, requeue);
  }

  // ── the end ──

  #broken(): Error {
    return amqpError(this.#error ?? this.#link.error ?? new Error("the channel was closed"), `reading queue ${JSON.stringify(this.#rules.queue)}`);
  }

  /** Broken: everything that it delivered may be another's. */
  end(error: Error): void {
    if (!this.#live) return;
    this.#live = false;
    this.#consumer.close();
    this.#returns.close();
    this.#stopWatching();
    leaveChannel(this.#channel);
    this.#intake.lose(({ receipt }) => receipt.session === this);
    this.#intake.fail(error);
  }
}

function tagOf({ receipt }: Received<RabbitMqReceipt>): number {
  return receipt.raw.fields.deliveryTag;
}
