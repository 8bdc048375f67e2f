import type { Message as AmqpMessage, ConfirmChannel } from "amqplib";
import { MillraceError } from "millrace";
import { type Deferred, deferred, type Outgoing, Ring, startTimer } from "millrace/adapter";
import { amqpError, publishError } from "./amqp-error.ts";
import { Caution } from "./caution.ts";
import { culpritOf, isAboutMessage } from "./culprit.ts";
import type { DelaySteps } from "./delay/delay-steps.ts";
import { FrameBatch } from "./frame-batch.ts";
import { leaveChannel } from "./leave-channel.ts";
import type { OpenLink } from "./open-link.ts";
import type { OutboundMessage } from "./outbound-message.ts";
import { EXIT_HEADER, EXPIRATION_HEADER } from "./own-headers.ts";
import { type RawChannel, rawChannel } from "./raw-channel.ts";

type Sent = Outgoing<OutboundMessage>;

/** Frames leave in pieces of about this size. */
const PIECE_BYTES = 256 * 1024;

export interface OutboundRules {
  readonly steps: DelaySteps;
  /** The id in properties that came back. */
  idOf(message: AmqpMessage): string | undefined;
}

/** One confirm channel, and what it has sent: messages without confirmation, each with its place in the order of sending. */
export class OutboundChannel {
  readonly #channel: ConfirmChannel;
  readonly #link: OpenLink;
  readonly #rules: OutboundRules;
  readonly #onLost: (error: unknown) => void;
  readonly #unconfirmed: Ring<Sent> = new Ring();
  /** Delivery tag of the oldest unconfirmed one. */
  #oldest = 1;
  /** Said to be ready, and not sent yet. */
  #admitted = 0;
  /** The last of those is one that the broker is to look at before the next. */
  #asks = false;
  readonly #caution: Caution = new Caution(() => this.#goOn());
  /** What waits until the broker takes messages, or has looked at one. */
  #waiting: Deferred<void> | undefined;
  readonly #raw: RawChannel | undefined;
  readonly #frames: FrameBatch | undefined;
  #error: Error | undefined;
  #ended = false;
  readonly #stopWatching: () => void;

  constructor(channel: ConfirmChannel, link: OpenLink, rules: OutboundRules, onLost: (error: unknown) => void) {
    this.#channel = channel;
    this.#link = link;
    this.#rules = rules;
    this.#onLost = onLost;
    this.#raw = rawChannel(channel);
    this.#frames = this.#raw === undefined ? undefined : new FrameBatch(this.#raw.number, this.#raw.frameMax);
    channel.on("ack", ({ deliveryTag, multiple }) => this.#onConfirm(deliveryTag, multiple, true));
    channel.on("nack", ({ deliveryTag, multiple }) => this.#onConfirm(deliveryTag, multiple, false));
    channel.on("return", (message: AmqpMessage) => this.#onReturn(message));
    channel.on("error", (error: Error) => {
      this.#error ??= error;
    });
    channel.on("close", () => this.#onClose());
    this.#stopWatching = link.watch({ onClose: () => {}, onBlocked: () => this.#goOn() });
  }

  /** What the message has to wait for; else it is one of those that are sent next. */
  ready({ item: { hold, content } }: Sent): Promise<void> | undefined {
    if (this.#link.blocked !== undefined) return this.#wait();
    const preparing = hold === undefined ? undefined : this.#rules.steps.ready(hold);
    if (preparing !== undefined)
      return preparing.catch((error: unknown) => {
        throw amqpError(error, "preparing to hold messages back");
      });
    if (this.#caution.mustWait(content.length, this.#unconfirmed.size + this.#admitted)) return this.#wait();
    this.#asks = this.#caution.admit(content.length);
    this.#admitted++;
    return undefined;
  }

  send(batch: readonly Sent[]): void {
    this.#admitted = 0;
    for (const message of batch) this.#send(message);
    this.#write();
    if (!this.#asks || this.#ended) return;
    this.#asks = false;
    // A channel does one thing after the other: the answer says that the broker has looked at what was sent before.
    this.#channel.prefetch(0).then(
      () => this.#caution.passed(),
      () => {}, // the channel has ended, which it tells by itself
    );
  }

  /** The channel is left by its owner; nothing is under way on it. */
  close(): void {
    this.#leave();
    leaveChannel(this.#channel);
  }

  #wait(): Promise<void> {
    this.#waiting ??= deferred();
    return this.#waiting.promise;
  }

  #goOn(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #write(): void {
    if (this.#frames !== undefined && this.#frames.length > 0 && !this.#ended) this.#raw?.write(this.#frames.take());
  }

  #send(message: Sent): void {
    const { item } = message;
    const { content } = item;
    try {
      if (message.call.failed) throw new MillraceError("an earlier message of the call failed", { code: "UNENCODABLE" });
      item.returned = undefined;
      item.settled = false;
      const properties = this.#addressed(item);
      if (this.#frames?.add(item.exchange, item.routingKey, content, properties) !== true) {
        this.#write();
        this.#channel.publish(item.exchange, item.routingKey, content, properties);
      } else if (this.#frames.length >= PIECE_BYTES) this.#write();
      this.#unconfirmed.push(message);
    } catch (error) {
      if (this.#caution.withdraw(content.length)) this.#asks = false;
      this.#onUnsent(message, error as Error);
    }
  }

  /** Nothing was sent: amqplib encodes before it writes. On a closed channel its end is about to be told. */
  #onUnsent(message: Sent, cause: Error): void {
    const text = `the message cannot be sent: ${cause.message}`;
    const lost = this.#error !== undefined || this.#link.closed || /[Cc]hannel clos|[Cc]onnection clos/.test(cause.message);
    if (lost) message.again(new MillraceError(text, { code: "CONNECTION_LOST", retryable: true, cause }));
    else message.reject(new MillraceError(text, { code: "UNENCODABLE", cause }));
  }

  /** Sets where it goes now; answers its properties. */
  #addressed(item: OutboundMessage): OutboundMessage["properties"] {
    const { hold, properties } = item;
    if (hold === undefined) return properties;
    const address = this.#rules.steps.address(hold);
    ({ exchange: item.exchange, routingKey: item.routingKey } = address);
    if (address === hold.exit) return properties;
    // A time to live of its own would end the waiting early.
    const { expiration, ...lasting } = properties;
    const kept = expiration === undefined ? {} : { [EXPIRATION_HEADER]: String(expiration) };
    return { ...lasting, headers: { ...lasting.headers, ...kept, [EXIT_HEADER]: hold.note } };
  }

  #onConfirm(tag: number, multiple: boolean, taken: boolean): void {
    const last = tag - this.#oldest;
    for (let place = multiple ? 0 : last; place <= last; place++) this.#settle(this.#unconfirmed.at(place), taken);
    for (; this.#unconfirmed.peek()?.item.settled; this.#oldest++) this.#unconfirmed.shift();
    if (this.#unconfirmed.size === 0) this.#goOn();
  }

  #settle(message: Sent | undefined, taken: boolean): void {
    if (message === undefined || message.item.settled) return;
    const { returned, exchange, routingKey } = message.item;
    message.item.settled = true;
    // One queue that refuses is enough, and others of the exchange may have it.
    if (!taken) message.unknown(new MillraceError("the broker refused a message (basic.nack)", { code: "PUBLISH_REFUSED", retryable: true }));
    else if (returned === undefined) this.#confirm(message);
    else {
      if (isHeld(message)) this.#rules.steps.forget(); // somebody deleted a queue of ours: it is made again
      const what = `no queue takes what is published to exchange ${JSON.stringify(exchange)} with routing key ${JSON.stringify(routingKey)} (${returned})`;
      const text = `${what}: start what reads it, or provision its group, first`;
      message.reject(new MillraceError(text, { code: "UNROUTABLE", retryable: true }));
    }
  }

  /** The broker's word for a message that waits in a queue made just now is passed on when it is worth something. */
  #confirm(message: Sent): void {
    const { hold } = message.item;
    const waitMs = hold !== undefined && isHeld(message) ? this.#rules.steps.unsafeMs(hold) : 0;
    if (waitMs <= 0) message.confirm();
    else startTimer(() => message.confirm(), waitMs);
  }

  /** A message comes back before its confirmation, without its tag: it is the oldest one that looks like it. */
  #onReturn(back: AmqpMessage): void {
    const id = this.#rules.idOf(back);
    const { exchange, routingKey, replyText } = back.fields as unknown as Readonly<Record<"exchange" | "routingKey" | "replyText", string>>;
    let likely: OutboundMessage | undefined;
    for (const { item } of this.#unconfirmed) {
      if (item.settled || item.returned !== undefined || item.routingKey !== routingKey || item.exchange !== exchange) continue;
      likely ??= item;
      if (item.id !== id || !back.content.equals(item.content)) continue;
      likely = item;
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
      const error = this.#error;
      const lost = amqpError(error ?? this.#link.error ?? new Error("the connection was closed"), "publishing to RabbitMQ");
      if (isAboutMessage(error)) this.#onRefusal(error, lost);
      this.#onLost(lost);
    });
  }

  /** The broker has closed the channel for one of the messages; what becomes of the others because of it says nothing about them. */
  #onRefusal(error: unknown, { message: text, cause }: MillraceError): void {
    const underWay = [...this.#unconfirmed].filter(({ item }) => !item.settled);
    const guilty = culpritOf(
      error,
      underWay.map(({ item }) => item),
    );
    const culprit = underWay.find(({ item }) => item === guilty);
    if (culprit !== undefined && isHeld(culprit)) this.#rules.steps.forget(); // somebody deleted an exchange of ours
    culprit?.reject(publishError(error));
    const why = `another message had the channel closed before this one was confirmed: ${text}`;
    for (const message of underWay) message.unknown(new MillraceError(why, { code: "CONNECTION_LOST", retryable: true, cause }));
  }
}

/** It was sent to the queues that hold messages back. */
function isHeld({ item: { hold, exchange } }: Sent): boolean {
  return hold !== undefined && exchange !== hold.exit.exchange;
}
