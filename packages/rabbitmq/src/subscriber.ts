import type { BrokerAdmin } from "millrace";
import { SubscriberShell } from "millrace/adapter";
import { checkOptions, type RabbitMqSubscriberOptions, SUBSCRIBER_NAMES } from "./options.ts";
import { RabbitMqReading } from "./rabbitmq-reading.ts";
import type { RabbitMqReceipt } from "./receipt.ts";

/**
 * Reads queues, for a group or for oneself. All subscriptions share one connection, each has a channel of its own; what goes back
 * with a delay is published over a second connection.
 *
 * | | what the broker sees |
 * |---|---|
 * | the handler returns (`ack`) | `basic.ack`, for a run of messages at once where it can be |
 * | it throws (`nack`), `maxInFlight: 1` or a key | nothing: the message stays with this member, which tries again after the delay |
 * | it throws (`nack`), no order | a copy in the delay queue of the step, confirmed; then `basic.ack`. After the delay the broker puts it back into the queue |
 * | it runs out of time | as a throw, once its promise settles |
 * | it takes longer than the broker's `consumer_timeout`, 30 minutes | the channel is closed (`CONSUMER_TIMEOUT`): everything in hand is lost and delivered again |
 * | the process dies, the connection breaks | everything in hand is delivered again at once, `redelivered`; a late verdict answers false |
 * | the process stands still for longer than the heartbeat | as if it had died |
 * | `pause`, `close` | `basic.nack` with requeue for what was not handed out; a quorum queue counts it in `brokerDeliveries` |
 *
 * - `delivery.attempt` begins again at 1 when a member that kept the message dies.
 * - `provision` declares exchange, queue and binding of a group, so that nothing published from now on is missed; without a group the exchange.
 * - Order is the order of the queue, within one member (`capabilities.ordering` is `"one-member"`).
 *
 * ```ts
 * const subscriber = new RabbitMqSubscriber({ url: "amqp://localhost" });
 * const subscription = await subscriber.subscribe("order.placed", { group: "billing" });
 * for await (const message of subscription) message.ack();
 * ```
 */
export class RabbitMqSubscriber extends SubscriberShell<RabbitMqReceipt> {
  /** What tools may ask over AMQP: see `BrokerAdmin`. Only `deleteGroup`; it is refused while the queue has consumers, or is read here. */
  declare readonly admin: BrokerAdmin;

  constructor(options: RabbitMqSubscriberOptions) {
    checkOptions("RabbitMqSubscriber", options, SUBSCRIBER_NAMES);
    super("RabbitMqSubscriber", new RabbitMqReading(options));
  }
}
