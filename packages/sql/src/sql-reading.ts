import { type BrokerAdmin, type Capabilities, OptionError, type SubscribeOptions } from "millrace";
import { guarded, PullSource, type Reading, type Source, type SubscriberParts } from "millrace/adapter";
import { sqlAdmin } from "./admin.ts";
import type { SqlReceipt } from "./claim.ts";
import type { Log } from "./dialect.ts";
import { GroupTarget } from "./group-target.ts";
import { isPlace } from "./is-place.ts";
import { SQL_DEFAULTS, type SqlSubscriberOptions } from "./options.ts";
import { ReplayTarget } from "./replay-target.ts";

/** A transaction costs the same for many verdicts as for few: as many as are fetched in one. */
const SETTLE_BATCH = 1000;

/** What an `SqlSubscriber` reads with: the log of its dialect. */
export class SqlReading implements SubscriberParts<SqlReceipt> {
  readonly capabilities: Capabilities;
  readonly admin: BrokerAdmin;
  readonly #options: SqlSubscriberOptions;
  readonly #log: Log;

  constructor(options: SqlSubscriberOptions) {
    const { dialect, groupName } = options;
    this.capabilities = dialect.capabilities;
    this.#options = options;
    this.#log = dialect.attach();
    this.admin = sqlAdmin({ log: this.#log.admin, groupName: (topic, group) => this.#groupName(topic, group), renamed: groupName !== undefined });
  }

  check(topic: string, { from }: SubscribeOptions): void {
    this.#log.checkTopic(topic);
    if (!isPlace(from)) throw new OptionError("SqlSubscriber.subscribe", ["from: { position } must be an offset, a whole number from 1, as text"]);
  }

  reading(topic: string, options: SubscribeOptions): Reading<SqlReceipt> {
    const { dialect, leaseMs = SQL_DEFAULTS.leaseMs, prefetch, prefetchBytes, parkLimit, logger } = this.#options;
    return {
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
    };
  }

  async provision(topic: string, { group, from = "earliest" }: Pick<SubscribeOptions, "group" | "from">): Promise<void> {
    await this.#log.provision(topic, group === undefined ? undefined : { name: this.#groupName(topic, group), from });
  }

  async close(): Promise<void> {
    await this.#log.detach();
  }

  #source(topic: string, { group, from = "earliest" }: SubscribeOptions, leaseMs: number): Source<SqlReceipt> {
    if (group === undefined) return new PullSource(new ReplayTarget(this.#log, topic, from), { pollMs: Infinity }); // the log tells of changes
    const target = new GroupTarget(this.#log, {
      group: { topic, name: this.#groupName(topic, group) },
      from,
      leaseMs,
      maxGap: this.#options.maxGap ?? SQL_DEFAULTS.maxGap,
      logger: guarded(this.#options.logger),
    });
    return new PullSource(target);
  }

  #groupName(topic: string, group: string): string {
    return this.#options.groupName?.(topic, group) ?? group;
  }
}
