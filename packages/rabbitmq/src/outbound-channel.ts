import type { Message as AmqpMessage, ConfirmChannel } from "amqplib";
import { laterTurn, Ring, sleep, startTimer } from "millrace/adapter";
import { amqpError, publishError } from "./amqp-error.ts";
import { Caution } from "./caution.ts";
import { culpritOf, isAboutMessage } from "./culprit.ts";
import type { DelaySteps } from "./delay/delay-steps.ts";
import { FrameBatch } from "./frame-batch.ts";
import { leaveChannel } from "./leave-channel.ts";
import type { OpenLink } from "./open-link.ts";
import { EXIT_HEADER, EXPIRATION_HEADER } from "./own-headers.ts";
import type { Failure, Outgoing, PublishJob } from "./publish-job.ts";
import { type RawChannel, rawChannel } from "./raw-channel.ts";

/** Frames leave in pieces of about this size. */
const PIECE_BYTES = 256 * 1024;
/** Before what is to be declared is tried again. */
const DECLARE_RETRY_MS = 250;

export interface OutboundRules {
  readonly window: number;
  readonly windowBytes: number;
  readonly steps: DelaySteps;
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
  readonly #caution: Caution = new Caution(() => this.wake());
  readonly #raw: RawChannel | undefined;
  readonly #frames: FrameBatch | undefined;
  #error: Error | undefined;
  #scheduled = false;
  /** The next message is to be held back, and the queues for that are being declared. */
  #preparing = false;
  #ended = false;
  readonly #stopWatching: () => void;

  constructor(exchange: string, channel: ConfirmChannel, link: OpenLink, jobs: Ring<PublishJob>, rules: OutboundRules, onEnd: (failure: Failure) => void) {
    this.exchange = exchange;
    this.#channel = channel;
    this.#link = link;
    this.#jobs = jobs;
    this.#rules = rules;
    this.#onEnd = onEnd;
    this.#raw = rawChannel(channel);
    this.#frames = this.#raw === undefined ? undefined : new FrameBatch(this.#raw.number, this.#raw.frameMax);
    channel.on("ack", ({ deliveryTag, multiple }) => this.#onConfirm(deliveryTag, multiple, true));
    channel.on("nack", ({ deliveryTag, multiple }) => this.#onConfirm(deliveryTag, multiple, false));
    channel.on("return", (message: AmqpMessage) => this.#onReturn(message));
    channel.on("error", (error: Error) => {
      this.#error ??= error;
    });
    channel.on("close", () => this.#onClose());
    this.#stopWatching = link.watch({ onClose: () => {}, onBlocked: () => this.wake() });
  }

  get unconfirmed(): number {
    return this.#unconfirmed.size;
  }

  /**
   * Sends what waits, in a later turn: calls made at once go together. When nothing is under way it takes a turn more, so that a
   * connection that was just cut has shown it: what was not sent can wait for the next one.
   */
  wake(): void {
    if (this.#scheduled || this.#ended) return;
    this.#scheduled = true;
    if (this.#unconfirmed.size > 0) laterTurn(() => this.#pump());
    else laterTurn(() => laterTurn(() => this.#pump()));
  }

  /** The channel is left by its owner; nothing is under way on it. */
  close(): void {
    this.#leave();
    leaveChannel(this.#channel);
  }

  #pump(): void {
    this.#scheduled = false;
    const { window, windowBytes } = this.#rules;
    while (!this.#ended && this.#link.blocked === undefined && this.#unconfirmed.size < window && (this.#bytes < windowBytes || this.#unconfirmed.size === 0)) {
      const job = this.#jobs.peek();
      if (job === undefined) break;
      if (job.sends) {
        if (this.#prepares(job) || this.#mustWait(job.coming)) break;
        this.#send(job.take());
      }
      if (!job.sends) this.#jobs.shift();
    }
    this.#write();
  }

  #mustWait(coming: Outgoing | undefined): boolean {
    return coming !== undefined && this.#caution.mustWait(coming.content.length, this.#unconfirmed.size);
  }

  /** True while the queues through which the next message is to go are not known to be there; the lane waits for them, in its order. */
  #prepares(job: PublishJob): boolean {
    const hold = job.coming?.hold;
    if (hold === undefined || this.#preparing) return this.#preparing;
    const ready = this.#rules.steps.ready(hold);
    if (ready === undefined) return false;
    this.#preparing = true;
    ready
      .catch(async (error: unknown) => {
        const known = amqpError(error, "preparing to hold messages back");
        if (known.retryable) await sleep(DECLARE_RETRY_MS);
        else if (job.sends) job.fail(job.take(), "rejected", { code: known.code, text: known.message, retryable: false, cause: known }); // it alone
      })
      .finally(() => {
        this.#preparing = false;
        this.wake();
      });
    return true;
  }

  #write(): void {
    if (this.#frames !== undefined && this.#frames.length > 0 && !this.#ended) this.#raw?.write(this.#frames.take());
  }

  #send(message: Outgoing): void {
    const { content, hold } = message;
    let { properties } = message;
    if (hold !== undefined) {
      const address = this.#rules.steps.address(hold);
      ({ exchange: message.exchange, routingKey: message.routingKey } = address);
      if (address !== hold.exit) {
        // A time to live of its own would end the waiting early.
        const { expiration, ...lasting } = properties;
        const kept = expiration === undefined ? {} : { [EXPIRATION_HEADER]: String(expiration) };
        properties = { ...lasting, headers: { ...lasting.headers, ...kept, [EXIT_HEADER]: hold.note } };
      }
    }
    const { exchange, routingKey } = message;
    try {
      if (this.#frames?.add(exchange, routingKey, content, properties) !== true) {
        this.#write();
        this.#channel.publish(exchange, routingKey, content, properties);
      } else if (this.#frames.length >= PIECE_BYTES) this.#write();
    } catch (error) {
      // Nothing was sent: amqplib encodes before it writes. On a closed channel its end is about to be told.
      const text = (error as Error).message;
      const code = this.#error !== undefined || this.#link.closed || /[Cc]hannel clos|[Cc]onnection clos/.test(text) ? "CONNECTION_LOST" : "UNENCODABLE";
      message.job.fail(message, "rejected", { code, text: `the message cannot be sent: ${text}`, retryable: code === "CONNECTION_LOST", cause: error });
      return;
    }
    this.#unconfirmed.push(message);
    this.#bytes += content.length;
    if (this.#caution.sent(content.length)) this.#ask();
  }

  /** A channel does one thing after the other: the answer says that the broker has looked at what was sent before. */
  #ask(): void {
    this.#write();
    this.#channel.prefetch(0).then(
      () => this.#caution.passed(),
      () => {}, // the channel has ended, which it tells by itself
    );
  }

  #onConfirm(tag: number, multiple: boolean, taken: boolean): void {
    if (multiple) {
      for (let count = tag - this.#oldest + 1; count > 0; count--) this.#settleOldest(taken);
    } else if (tag === this.#oldest) {
      this.#settleOldest(taken);
    } else {
      const message = this.#unconfirmed.at(tag - this.#oldest);
      if (message !== undefined) this.#settle(message, taken);
    }
    for (let oldest = this.#unconfirmed.peek(); oldest?.settled === true; oldest = this.#unconfirmed.peek()) this.#settleOldest(taken);
    if (this.#jobs.size > 0) this.wake();
  }

  #settleOldest(taken: boolean): void {
    const message = this.#unconfirmed.shift();
    this.#oldest++;
    if (message === undefined) return;
    this.#bytes -= message.content.length;
    if (!message.settled) this.#settle(message, taken);
  }

  #settle(message: Outgoing, taken: boolean): void {
    const { job, returned, exchange, hold } = message;
    if (!taken) {
      job.fail(message, "rejected", { code: "PUBLISH_REFUSED", text: "the broker refused a message (basic.nack)", retryable: true, cause: undefined });
    } else if (returned === undefined) this.#confirm(message);
    else {
      if (hold !== undefined && exchange !== hold.exit.exchange) this.#rules.steps.forget(); // somebody deleted a queue of ours: it is made again
      const text = `no queue takes what is published to exchange ${JSON.stringify(exchange)} with routing key ${JSON.stringify(message.routingKey)} (${returned})`;
      job.fail(message, "rejected", { code: "UNROUTABLE", text, retryable: true, cause: undefined });
    }
  }

  /** The broker's word for a message that waits in a queue made just now is passed on when it is worth something. */
  #confirm(message: Outgoing): void {
    const { job, hold, exchange } = message;
    const waitMs = hold === undefined || exchange === hold.exit.exchange ? 0 : this.#rules.steps.unsafeMs(hold);
    if (waitMs <= 0) job.confirm(message);
    else startTimer(() => (this.#link.closed ? job.fail(message, "unknown", this.#lost()) : job.confirm(message)), waitMs);
  }

  #lost(): Failure {
    const known = amqpError(this.#error ?? this.#link.error ?? new Error("the connection was closed"), "publishing to RabbitMQ");
    return { code: known.code, text: known.message, retryable: known.retryable, cause: known };
  }

  /** A message comes back before its confirmation, without its tag: it is the oldest one that looks like it. */
  #onReturn(back: AmqpMessage): void {
    const id = this.#rules.idOf(back);
    const { exchange, routingKey, replyText } = back.fields as unknown as Readonly<Record<"exchange" | "routingKey" | "replyText", string>>;
    let likely: Outgoing | undefined;
    for (const message of this.#unconfirmed) {
      if (message.settled || message.returned !== undefined || message.routingKey !== routingKey || message.exchange !== exchange) continue;
      likely ??= message;
      if (message.id !== id || !back.content.equals(message.content)) continue;
      likely = message;
      break;
    }
    if (likely !== undefined) likely.returned = replyText;
  }

  #leave(): void {
    this.#ended = true;
    this.#stopWatching();
    this.#caution.end();
  }

  #onClose(): void {
    if (this.#ended) return;
    this.#leave();
    // The connection's own error may be told after its channels were closed.
    queueMicrotask(() => {
      const lost = this.#lost();
      const underWay = [...this.#unconfirmed];
      this.#unconfirmed.clear();
      const error = this.#error;
      const culprit = culpritOf(error, underWay);
      const others = isAboutMessage(error) ? neighbourOf(lost) : lost;
      if (culprit !== undefined) {
        if (culprit.hold !== undefined && culprit.exchange !== culprit.hold.exit.exchange) this.#rules.steps.forget(); // somebody deleted an exchange of ours
        const known = publishError(error);
        culprit.job.fail(culprit, "rejected", { code: known.code, text: known.message, retryable: known.retryable, cause: known });
      }
      for (const message of underWay) if (!message.settled) message.job.fail(message, "unknown", others);
      this.#onEnd(lost);
    });
  }
}

/** What becomes of a message because of another one says nothing about itself. */
function neighbourOf({ text, cause }: Failure): Failure {
  return { code: "CONNECTION_LOST", text: `another message had the channel closed before this one was confirmed: ${text}`, retryable: true, cause };
}
