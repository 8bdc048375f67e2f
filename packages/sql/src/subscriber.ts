import {
  type BrokerAdmin,
  type Capabilities,
  MillraceError,
  OptionError,
  type SubscribeOptions,
  type Subscriber,
  type Subscription,
  silentLogger,
} from "millrace";
import { checkSubscribe, guarded, OpenSubscriptions, PullSource, type Source } from "millrace/adapter";
import { sqlAdmin } from "./admin.ts";
import type { SqlReceipt } from "./claim.ts";
import type { Log } from "./dialect.ts";
import { GroupTarget } from "./group-target.ts";
import { isPlace } from "./is-place.ts";
import { checkOptions, SQL_DEFAULTS, type SqlSubscriberOptions, SUBSCRIBER_NAMES } from "./options.ts";
import { ReplayTarget } from "./replay-target.ts";

/** A transaction costs the same for many verdicts as for few: as many as are fetched in one. */
const SETTLE_BATCH = 1000;

/**
 * Reads topics of the log, for a group or for oneself.
 *
 * | | what the database sees |
 * |---|---|
 * | the handler returns (`ack`) | the message is settled; the group's position moves over the contiguous settled prefix, what is settled beyond it is kept as ranges |
 * | it throws (`nack`) | nothing but the number of the next attempt; the message stays with this member, which tries again |
 * | it runs out of time | as a throw, once its promise settles; until then the claim is renewed |
 * | the process dies | its claims run out after `leaseMs`; another member, or the next process, takes over what is unsettled in them; one by one after three deaths, each further one an attempt |
 * | the process freezes beyond its lease | as if it had died; when it wakes, late verdicts answer false and change nothing |
 * | `pause`, `close` | what was not handed out is free for other members at once |
 *
 * - Members of a group claim ranges of the log and share the work; the order of the log holds within one member.
 * - While the subscription's handlers run, no transaction is open and no lock is held.
 *
 * ```ts
 * const subscription = await subscriber.subscribe("order.placed", { group: "billing" });
 * for await (const message of subscription) message.ack();
 * ```
 */
export class SqlSubscriber implements Subscriber {
  readonly capabilities: Capabilities;
  readonly #options: SqlSubscriberOptions;
  readonly #log: Log;
  readonly #open: OpenSubscriptions = new OpenSubscriptions();
  #admin: BrokerAdmin | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: SqlSubscriberOptions) {
    checkOptions("SqlSubscriber", options, SUBSCRIBER_NAMES);
    this.capabilities = options.dialect.capabilities;
    this.#options = options;
    this.#log = options.dialect.attach();
  }

  /** What tools may ask of the database: see `BrokerAdmin`. A group is busy while its members hold claims. */
  get admin(): BrokerAdmin {
    this.#admin ??= sqlAdmin({
      log: this.#log.admin,
      checkOpen: () => this.#checkOpen(),
      groupName: (topic, group) => this.#groupName(topic, group),
      renamed: this.#options.groupName !== undefined,
    });
    return this.#admin;
  }

  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    this.#check(topic, options);
    const { dialect, leaseMs = SQL_DEFAULTS.leaseMs, prefetch, prefetchBytes, parkLimit, logger } = this.#options;
    return await this.#open.start<SqlReceipt>({
      topic,
      options,
      source: this.#source(topic, options, leaseMs),
      settings: {
        adapter: dialect.name,
        prefetch,
        prefetchBytes,
        parkLimit,
        logger,
        settleBatch: SETTLE_BATCH,
        ...(options.group === undefined ? {} : { leaseMs, keepsAttempts: true }),
      },
    });
  }

  /** Makes the topic's tables and the group's row: a group begins at `from`, counted from now. */
  async provision(topic: string, options: Pick<SubscribeOptions, "group" | "from"> = {}): Promise<void> {
    this.#check(topic, options);
    const { group, from = "earliest" } = options;
    await this.#log.provision(topic, group === undefined ? undefined : { name: this.#groupName(topic, group), from });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.close(), this.#open.giveBack()]);
  }

  #check(topic: string, options: SubscribeOptions): void {
    checkSubscribe("SqlSubscriber", topic, options);
    this.#log.checkTopic(topic);
    if (!isPlace(options.from)) throw new OptionError("SqlSubscriber.subscribe", ["from: { position } must be an offset, a whole number from 1, as text"]);
    this.#checkOpen();
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new MillraceError("the subscriber is closed", { code: "CLOSED" });
  }

  #source(topic: string, { group, from = "earliest" }: SubscribeOptions, leaseMs: number): Source<SqlReceipt> {
    if (group === undefined) return new PullSource(new ReplayTarget(this.#log, topic, from), { pollMs: Infinity });
    const target = new GroupTarget(this.#log, {
      group: { topic, name: this.#groupName(topic, group) },
      from,
      leaseMs,
      maxGap: this.#options.maxGap ?? SQL_DEFAULTS.maxGap,
      logger: guarded(this.#options.logger ?? silentLogger),
    });
    return new PullSource(target);
  }

  #groupName(topic: string, group: string): string {
    return this.#options.groupName?.(topic, group) ?? group;
  }

  async #close(): Promise<void> {
    try {
      await this.#open.close();
    } finally {
      await this.#log.detach();
    }
  }
}
