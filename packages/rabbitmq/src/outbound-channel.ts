import type { ConfirmChannel, Message as AmqpMessage } from "amqplib";
import { laterTurn, Ring } from "millrace/adapter";
import { amqpError } from "./amqp-error.ts";
import type { OpenLink } from "./open-link.ts";
import type { Failure, Outgoing, PublishJob } from "./publish-job.ts";

export interface OutboundRules {
  readonly window: number;
  readonly windowBytes: number;
  /** The id in properties that came back. */
  idOf(message: AmqpMessage): string | undefined;
}

/** One confirm channel, and what it has sent: a window of messages without confirmation, each with its place in the order of sending. */
export class OutboundChannel {
  readonly exchange: string;
  readonly #channel: ConfirmChannel;
  readonly #link: OpenLink;
  readonly #rules: OutboundRules;
  readonly #jobs: Ring<PublishJob>;
  readonly #onEnd: (failure: Failure) => void;
  readonly #unconfirmed: Ring<Outgoing> = new Ring();
  /** Delivery tag of the oldest unconfirmed one. */
  #oldest = 1;
  #bytes = 0;
  #everConfirmed = false;
  #error: Error | undefined;
  #scheduled = false;
  #ended = false;

  constructor(exchange: string, channel: ConfirmChannel, link: OpenLink, jobs: Ring<PublishJob>, rules: OutboundRules, onEnd: (failure: Failure) => void) {
    this.exchange = exchange;
    this.#channel = channel;
    this.#link = link;
    this.#jobs = jobs;
    this.#rules = rules;
    this.#onEnd = onEnd;
    channel.on("ack", ({ deliveryTag, multiple }) => this.#onConfirm(deliveryTag, multiple, true));
    channel.on("nack", ({ deliveryTag, multiple }) => this.#onConfirm(deliveryTag, multiple, false));
    channel.on("return", (message: AmqpMessage) => this.#onReturn(message));
    channel.on("error", (error: Error) => {
      this.#error ??= error;
    });
    channel.on("close", () => this.#onClose());
  }

  get unconfirmed(): number {
    return this.#unconfirmed.size;
  }

  /** Sends what waits. Not in this turn when nothing is under way: calls made at once go together, and a connection that was just cut shows it. */
  wake(): void {
    if (this.#scheduled || this.#ended) return;
    if (this.#unconfirmed.size > 0) {
      this.#pump();
      return;
    }
    this.#scheduled = true;
    laterTurn(() =>
      laterTurn(() => {
        this.#scheduled = false;
        this.#pump();
      }),
    );
  }

  /** The channel is left by its owner; nothing is under way on it. */
  close(): void {
    this.#ended = true;
    this.#channel.close().catch(() => {});
  }

  #pump(): void {
    const { window, windowBytes } = this.#rules;
    while (!this.#ended && this.#link.blocked === undefined && this.#unconfirmed.size < window && (this.#bytes < windowBytes || this.#unconfirmed.size === 0)) {
      const job = this.#jobs.peek();
      if (job === undefined) return;
      if (job.sends) this.#send(job.take());
      if (!job.sends) this.#jobs.shift();
    }
  }

  #send(message: Outgoing): void {
    const { routingKey, content, properties } = message;
    try {
      this.#channel.publish(this.exchange, routingKey, content, properties);
    } catch (error) {
      // Nothing was sent: amqplib encodes before it writes. On a closed channel its end is about to be told.
      const text = (error as Error).message;
      const code = this.#error !== undefined || this.#link.closed || /[Cc]hannel clos|[Cc]onnection clos/.test(text) ? "CONNECTION_LOST" : "UNENCODABLE";
      message.job.fail(message, "rejected", { code, text: `the message cannot be sent: ${text}`, retryable: code === "CONNECTION_LOST", cause: error });
      return;
    }
    this.#unconfirmed.push(message);
    this.#bytes += content.length;
  }

  #onConfirm(tag: number, multiple: boolean, taken: boolean): void {
    this.#everConfirmed = true;
    if (multiple) {
      for (let count = tag - this.#oldest + 1; count > 0; count--) this.#settleOldest(taken);
    } else if (tag === this.#oldest) {
      this.#settleOldest(taken);
    } else {
      const message = this.#unconfirmed.at(tag - this.#oldest);
      if (message !== undefined) this.#settle(message, taken);
    }
    for (let oldest = this.#unconfirmed.peek(); oldest?.settled === true; oldest = this.#unconfirmed.peek()) this.#settleOldest(taken);
    this.#pump();
  }

  #settleOldest(taken: boolean): void {
    const message = this.#unconfirmed.shift();
    this.#oldest++;
    if (message === undefined) return;
    this.#bytes -= message.content.length;
    if (!message.settled) this.#settle(message, taken);
  }

  #settle(message: Outgoing, taken: boolean): void {
    const { job, returned } = message;
    if (!taken) {
      job.fail(message, "rejected", { code: "PUBLISH_REFUSED", text: "the broker refused a message (basic.nack)", retryable: true, cause: undefined });
    } else if (returned === undefined) job.confirm(message);
    else {
      const text = `no queue takes what is published to exchange ${JSON.stringify(this.exchange)} with routing key ${JSON.stringify(message.routingKey)} (${returned})`;
      job.fail(message, "rejected", { code: "UNROUTABLE", text, retryable: true, cause: undefined });
    }
  }

  /** A message comes back before its confirmation, without its tag: it is the oldest one that looks like it. */
  #onReturn(back: AmqpMessage): void {
    const id = this.#rules.idOf(back);
    const { routingKey, replyText } = back.fields as unknown as { readonly routingKey: string; readonly replyText: string };
    for (const message of this.#unconfirmed) {
      if (message.settled || message.returned !== undefined || message.routingKey !== routingKey) continue;
      if (id === undefined ? !back.content.equals(message.content) : message.id !== id) continue;
      message.returned = replyText;
      return;
    }
  }

  #onClose(): void {
    if (this.#ended) return;
    this.#ended = true;
    // The connection's own error may be told after its channels were closed.
    queueMicrotask(() => {
      const known = amqpError(this.#error ?? this.#link.error ?? new Error("the connection was closed"), "publishing to RabbitMQ");
      const failure = { code: known.code, text: known.message, retryable: known.retryable, cause: known };
      // A channel that never confirmed anything was closed because of its very first message.
      const outcome = this.#error !== undefined && !this.#everConfirmed ? "rejected" : "unknown";
      for (const message of this.#unconfirmed) if (!message.settled) message.job.fail(message, outcome, failure);
      this.#unconfirmed.clear();
      this.#onEnd(failure);
    });
  }
}
