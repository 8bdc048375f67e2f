import type { ConsumeMessage } from "amqplib";
import type { Delivery, ReceivedMessage } from "millrace";
import { NATIVE, type Native } from "millrace/adapter";
import { expirationOf } from "./expiry.ts";
import { NativeProperties } from "./native-properties.ts";
import { ATTEMPT_HEADER, EXCHANGE_HEADER, ROUTING_KEY_HEADER } from "./own-headers.ts";

/** What a delivery needs to be settled, and all that the broker said with it. */
export class RabbitMqReceipt {
  readonly raw: ConsumeMessage;
  /** The session it came through: tags mean nothing to another one. */
  readonly session: object;

  constructor(raw: ConsumeMessage, session: object) {
    this.raw = raw;
    this.session = session;
  }
}

// What a copy of its message has of it.
Object.defineProperty(RabbitMqReceipt.prototype, NATIVE, {
  get(this: RabbitMqReceipt): Native {
    return NativeProperties.of(propertiesOf(this.raw));
  },
});

/** What only RabbitMQ knows of a delivery. */
export interface RabbitMqDelivery {
  /** Where it was published to; `""` is the default exchange. */
  readonly exchange: string;
  readonly routingKey: string;
  /** The broker has delivered it before. */
  readonly redelivered: boolean;
  /** Every header with its own type, as amqplib reads it: a time is `{ "!": "timestamp", value }`, bytes are a `Buffer`. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** `contentType`, `messageId`, `timestamp`, `replyTo`, … */
  readonly properties: Readonly<Record<string, unknown>>;
}

type Described = Partial<Delivery> & { readonly rabbitmq: RabbitMqDelivery };

/** The attempt that a message is on, which it carries itself once it was given back with a delay. */
export function attemptOf(raw: ConsumeMessage): number {
  const text = (raw.properties.headers as Record<string, unknown> | undefined)?.[ATTEMPT_HEADER];
  if (text === undefined) return 1;
  const attempt = Number(text);
  return Number.isSafeInteger(attempt) && attempt > 0 ? attempt : 1;
}

/** Its properties as they were published, also when the broker has held the message back. */
export function propertiesOf({ properties }: ConsumeMessage): Readonly<Record<string, unknown>> {
  const known = properties as unknown as Readonly<Record<string, unknown>>;
  const expiration = expirationOf(known);
  return expiration === known.expiration ? known : { ...known, expiration };
}

export function describe(raw: ConsumeMessage, patterns: boolean): Described {
  const { fields } = raw;
  const properties = propertiesOf(raw);
  const headers = (properties.headers ?? {}) as Record<string, unknown>;
  const exchange = textOr(headers[EXCHANGE_HEADER], fields.exchange);
  const routingKey = textOr(headers[ROUTING_KEY_HEADER], fields.routingKey);
  const count = headers["x-delivery-count"];
  const { timestamp } = properties;
  return {
    brokerDeliveries: typeof count === "number" ? count + 1 : undefined,
    publishedAt: typeof timestamp === "number" ? new Date(timestamp * 1000) : undefined,
    ...(patterns ? { topic: routingKey } : {}),
    rabbitmq: { exchange, routingKey, redelivered: fields.redelivered, headers, properties },
  };
}

/** Exchange, routing key, headers and properties of a message from a `RabbitMqPubSub`; `undefined` for any other message. */
export function rabbitMqDelivery(message: ReceivedMessage): RabbitMqDelivery | undefined {
  return (message.delivery as { readonly rabbitmq?: RabbitMqDelivery }).rabbitmq;
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
