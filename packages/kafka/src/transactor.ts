import { MillraceError, type ReceivedMessage, SettleError } from "millrace";
import { OptionCheck, type OptionNames } from "millrace/adapter";
import { positionOf, recordOf } from "./delivery.ts";
import { type KafkaTransaction, OpenTransaction } from "./open-transaction.ts";
import type { PartitionQueue } from "./partition-queue.ts";
import type { PartitionRecord } from "./partition-reader.ts";
import { checkPublisherOptions, type KafkaPublisherOptions, PUBLISHER_DEFAULTS, PUBLISHER_NAMES } from "./publisher-options.ts";
import { Sending } from "./sending.ts";
import { TransactionCoordinator } from "./transaction-coordinator.ts";
import { holding, type PartitionPosition, positionsWith, type TransactionalGroup } from "./transactional-group.ts";
import type { BatchIdentity } from "./wire/batch-builder.ts";

export interface KafkaTransactorOptions extends Omit<KafkaPublisherOptions, "acks" | "idempotent"> {
  /** Stable for one member over its restarts, and of no other: a newer process with the same id fences the older one. */
  readonly transactionalId: string;
  /** The broker aborts a transaction that is open for so long. Default 60,000 ms. */
  readonly transactionTimeoutMs?: number | undefined;
}

const { acks: _acks, idempotent: _idempotent, ...SENDING_NAMES } = PUBLISHER_NAMES;
const NAMES: OptionNames<KafkaTransactorOptions> = { ...SENDING_NAMES, transactionalId: true, transactionTimeoutMs: true };
const TRANSACTION_TIMEOUT_MS = 60_000;

/**
 * Publishes, and acks what was consumed, as one: readers with `isolation: "committed"` (the default) see all of it or nothing, and
 * after a crash what was not committed is delivered again.
 *
 * - One transaction at a time; further ones wait. It commits when `work` resolves, and aborts when it rejects: then nothing
 *   is acked, and the error is the caller's.
 * - Handlers that run twice at once (a partition moved, the old handler still runs) cannot both commit: the group refuses the
 *   acks of a former member.
 * - A commit that gets no answer is decided by the groups whose messages it acks. Without any, and where nobody answers within
 *   `publishTimeoutMs`, it is `COMMIT_UNKNOWN`: committed or not.
 * - Rejects with `COMMIT_UNKNOWN`, `PRODUCER_FENCED`, `DELIVERY_LOST`, `NOT_TRANSACTIONAL`, `SETTLE_FAILED` (an ack that lies too far beyond
 *   what is unsettled), and with what `KafkaPublisher.publish` rejects with; after `close()` with `CLOSED`.
 *
 * ```ts
 * const transactor = new KafkaTransactor({ url: "kafka://localhost:9092", transactionalId: "charge-0" });
 * router.addConsumerHandler({
 *   name: "charge",
 *   subscribe: "order.placed",
 *   handle: (order) =>
 *     transactor.run(async (transaction) => {
 *       await transaction.publish("order.charged", order.copy());
 *       transaction.ack(order);
 *     }),
 * });
 * declare const router: Router;
 * ```
 */
export class KafkaTransactor implements AsyncDisposable {
  readonly #sending: Sending;
  readonly #coordinator: TransactionCoordinator;
  /** Partitions that the transaction under way has named. */
  #named: Set<string> | undefined;
  #identity: BatchIdentity | undefined;
  /** A transaction of ours may be open at the broker. */
  #open = false;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: KafkaTransactorOptions) {
    const check = new OptionCheck("KafkaTransactor").known(options, NAMES);
    const { transactionalId, transactionTimeoutMs = TRANSACTION_TIMEOUT_MS, publishTimeoutMs = PUBLISHER_DEFAULTS.publishTimeoutMs } = options;
    check.required("transactionalId", transactionalId).text("transactionalId", transactionalId);
    checkPublisherOptions(check, options).duration("transactionTimeoutMs", transactionTimeoutMs, { min: 1000 }).done();
    this.#sending = new Sending("KafkaTransactor", options, () => ({
      acks: -1,
      transactionalId,
      identity: () => Promise.resolve(this.#identity as BatchIdentity),
      prepare: (queues) => this.#name(queues),
    }));
    this.#coordinator = new TransactionCoordinator(this.#sending.cluster, { transactionalId, transactionTimeoutMs, stepTimeoutMs: publishTimeoutMs });
  }

  /** Runs `work` in a transaction and commits it; its result is passed on. */
  run<T>(work: (transaction: KafkaTransaction) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new MillraceError("the transactor is closed", { code: "CLOSED" }));
    const result = this.#last.then(() => this.#run(work));
    this.#last = result.catch(() => {});
    return result;
  }

  /** Waits for the transactions under way, then ends the connections. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run<T>(work: (transaction: KafkaTransaction) => Promise<T>): Promise<T> {
    if (this.#identity === undefined) await this.#renew();
    this.#named = new Set();
    const transaction = new OpenTransaction(this.#sending);
    let result: T;
    try {
      result = await work(transaction);
      transaction.end();
      await Promise.all(transaction.published);
    } catch (error) {
      transaction.end();
      const failures = await failuresOf(transaction.published);
      this.#named = undefined;
      await this.#abort(failures);
      throw error;
    }
    this.#named = undefined;
    try {
      await this.#commit(transaction.acked);
    } catch (error) {
      await this.#abort([error]);
      throw error;
    }
    this.#open = false;
    return result;
  }

  async #commit(acked: readonly ReceivedMessage[]): Promise<void> {
    const identity = this.#identity as BatchIdentity;
    const records = acked.map(groupedRecord);
    const groups = Map.groupBy(records, ({ place }) => place.group as TransactionalGroup);
    await holding([...new Set(records.map(({ place }) => place))], async () => {
      const positions: PartitionPosition[] = [];
      for (const message of acked) checkOurs(message);
      for (const [group, some] of groups) {
        const moved = positionsWith(some);
        checkCovered(some, moved);
        positions.push(...moved);
        this.#open = true;
        await this.#coordinator.addOffsets(identity, group, moved);
      }
      if (this.#open) await this.#decide(identity, groups);
      for (const { partition, offset, note } of positions) {
        partition.committed = offset;
        partition.committedNote = note;
      }
      for (const message of acked) message.ack();
    });
  }

  /** Commits. Where the broker has not said whether it did, the groups' positions tell: they move with the commit, or not at all. */
  async #decide(identity: BatchIdentity, groups: ReadonlyMap<TransactionalGroup, readonly PartitionRecord[]>): Promise<void> {
    const doubt = await this.#coordinator.commit(identity);
    if (doubt === undefined) return;
    const committed = await this.#isCommitted(groups, doubt).catch(() => undefined);
    if (committed === true) return;
    if (committed === false) throw doubt;
    const text = doubt instanceof Error ? doubt.message : String(doubt);
    throw new MillraceError(`it is not known whether the transaction was committed: ${text}`, { code: "COMMIT_UNKNOWN", retryable: true, cause: doubt });
  }

  async #isCommitted(groups: ReadonlyMap<TransactionalGroup, readonly PartitionRecord[]>, doubt: unknown): Promise<boolean | undefined> {
    // From here on it is committed or never will be.
    if (isFenced(doubt)) this.#yield();
    else await this.#renew();
    if (groups.size === 0) return undefined;
    const settled = await Promise.all([...groups].map(([group, records]) => this.#coordinator.hasSettled(group, records)));
    return settled.every(Boolean);
  }

  /**
   * Nothing is to stand open at the broker: readers would wait behind it. What got no answer may still reach the log; a fresh epoch keeps it out.
   * Where that cannot be done now, the next transaction begins with it, or `close`.
   */
  async #abort(failures: readonly unknown[]): Promise<void> {
    const identity = this.#identity;
    if (!this.#open || identity === undefined) return;
    try {
      if (failures.some(isFenced)) this.#yield();
      else if (failures.length > 0) await this.#renew();
      else await this.#coordinator.abort(identity);
      this.#open = false;
    } catch (error) {
      this.#identity = undefined;
      if (isFenced(error)) this.#yield();
    }
  }

  /** Another process has the id now; its coming has ended what was open. */
  #yield(): void {
    this.#identity = undefined;
    this.#open = false;
  }

  /** Takes a fresh epoch, which also ends what is open. */
  async #renew(): Promise<void> {
    this.#identity = undefined;
    this.#identity = await this.#coordinator.identify();
    this.#sending.renewIdentity();
    this.#open = false;
  }

  /** A transaction names the partitions that it writes to before it does. */
  async #name(queues: readonly PartitionQueue[]): Promise<void> {
    const named = this.#named;
    if (named === undefined) throw new MillraceError("no transaction is under way", { code: "TRANSACTION_OVER" });
    const fresh = queues.filter(({ topic, partition }) => !named.has(`${topic}:${partition}`));
    if (fresh.length === 0) return;
    const topics = [...Map.groupBy(fresh, ({ topic }) => topic)].map(([name, some]) => ({ name, partitions: some.map(({ partition }) => partition) }));
    this.#open = true;
    await this.#coordinator.addPartitions(this.#identity as BatchIdentity, topics);
    for (const { topic, partition } of fresh) named.add(`${topic}:${partition}`);
  }

  async #close(): Promise<void> {
    await this.#last;
    if (this.#open) await this.#renew().catch(() => {}); // then its time limit ends it
    await this.#sending.calls.close();
    this.#sending.close();
    this.#coordinator.close();
  }
}

function groupedRecord(message: ReceivedMessage): PartitionRecord {
  const record = recordOf(message) as PartitionRecord | undefined;
  if (record?.place.group === undefined) {
    throw new MillraceError(`message ${message.id} does not come from a Kafka subscription with a group`, { code: "NOT_TRANSACTIONAL" });
  }
  return record;
}

function checkOurs(message: ReceivedMessage): void {
  const { place, settled } = groupedRecord(message);
  if (place.dead || settled) throw new MillraceError(`message ${message.id} is not ours to ack any more`, { code: "DELIVERY_LOST" });
}

function checkCovered(records: readonly PartitionRecord[], moved: readonly PartitionPosition[]): void {
  const lost = records.filter(({ place, offset }) => moved.some(({ partition, covered }) => partition === place && offset >= covered));
  if (lost.length === 0) return;
  throw new SettleError(`${lost.length} messages lie so far beyond an unsettled one that their acks cannot be recorded with the transaction`, {
    positions: lost.map(positionOf),
  });
}

async function failuresOf(publishing: readonly Promise<void>[]): Promise<unknown[]> {
  const results = await Promise.allSettled(publishing);
  return results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
}

function isFenced(error: unknown): boolean {
  return MillraceError.is(error) && error.code === "PRODUCER_FENCED";
}
