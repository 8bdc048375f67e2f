import { type BrokerAdmin, type Message, OptionError, type PublishOptions, type SubscribeOptions, type Subscription } from "millrace";
import { laterTurn, OptionCheck, PubSubShell, pickOptions } from "millrace/adapter";
import type { Dialect, Log } from "./dialect.ts";
import {
  checkOptions,
  checkRetention,
  PUB_SUB_NAMES,
  PUBLISHER_NAMES,
  RETENTION_NAMES,
  type RetentionOptions,
  type SqlPublisherOptions,
  type SqlPubSubOptions,
  type SqlSubscriberOptions,
  SUBSCRIBER_NAMES,
} from "./options.ts";
import { SqlPublisher } from "./publisher.ts";
import { PURGE_BATCH, Retention } from "./retention.ts";
import { SqlSubscriber } from "./subscriber.ts";
import { TransactionPublisher } from "./transaction-publisher.ts";

const { everyMs: _everyMs, ...PURGE_NAMES } = RETENTION_NAMES;

/**
 * A durable log with groups in a SQL database: both sides in one object. Several processes may work on one database; publishing
 * within one's own transaction is `within`. See `SqlPublisher` and `SqlSubscriber` for what each side promises.
 *
 * ```ts
 * const bus = new SqlPubSub({ dialect: sqlite({ path: "app.db" }) });
 * const orders = await bus.subscribe("order.placed", { group: "billing" });
 * await bus.publish("order.placed", Message.json({ id: "o-1" }));
 * for await (const message of orders) {
 *   message.ack();
 *   break;
 * }
 * await bus.close();
 * ```
 */
export class SqlPubSub extends PubSubShell {
  /** What tools may ask of the database: see `BrokerAdmin`. */
  declare readonly admin: BrokerAdmin;
  readonly #dialect: Dialect;
  readonly #log: Log;
  readonly #retention: Retention | undefined;

  constructor(options: SqlPubSubOptions) {
    checkOptions("SqlPubSub", options, PUB_SUB_NAMES);
    const { dialect, logger } = options;
    const log = dialect.attach();
    const retention = options.retention === undefined ? undefined : new Retention(log, options.retention, logger);
    super({
      capabilities: dialect.capabilities,
      publisher: new SqlPublisher(pickOptions<SqlPublisherOptions>(options, PUBLISHER_NAMES)),
      subscriber: new SqlSubscriber(pickOptions<SqlSubscriberOptions>(options, SUBSCRIBER_NAMES)),
      close: async () => {
        retention?.stop();
        await log.detach();
      },
    });
    this.#dialect = dialect;
    this.#log = log;
    this.#retention = retention;
  }

  override publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    if (typeof topic === "string") this.#retention?.add(topic);
    return super.publish(topic, messages, options);
  }

  override async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    const subscription = await super.subscribe(topic, options);
    this.#retention?.add(topic);
    return subscription;
  }

  /** A publisher for the caller's own open transaction on `connection`, which has to be one to this pub/sub's database. */
  within(connection: object): TransactionPublisher {
    return new TransactionPublisher(this.#dialect, connection);
  }

  /** Looks for new messages now, for instance after the commit of a transaction that published with `within`. */
  wake(topic?: string): void {
    this.#log.wake(topic);
  }

  /**
   * Deletes the messages that the rule names, in small transactions, and answers how many. Nothing that a group still needs is
   * deleted unless `includeUnread` is true.
   */
  async purge(topic: string, rule: Omit<RetentionOptions, "everyMs">): Promise<number> {
    this.#log.checkTopic(topic);
    checkRetention(new OptionCheck("SqlPubSub.purge").known(rule, PURGE_NAMES), rule).done();
    if (rule.maxAgeMs === undefined && rule.maxMessages === undefined && rule.consumed === undefined) {
      throw new OptionError("SqlPubSub.purge", ["give maxAgeMs, maxMessages or consumed"]);
    }
    let total = 0;
    for (;;) {
      const count = await this.#log.purge({ topic, ...rule }, PURGE_BATCH);
      total += count;
      if (count < PURGE_BATCH) return total;
      await new Promise<void>((resolve) => laterTurn(resolve));
    }
  }
}
