import { type Message, MillraceError, type ReceivedMessage } from "millrace";
import { OptionCheck, type OptionNames } from "millrace/adapter";
import { recordOf } from "./delivery.ts";
import type { PartitionQueue } from "./partition-queue.ts";
import type { PartitionRecord } from "./partition-reader.ts";
import { checkPublisherOptions, type KafkaPublisherOptions, PUBLISHER_DEFAULTS, PUBLISHER_NAMES } from "./publisher-options.ts";
import { Sending } from "./sending.ts";
import { TransactionCoordinator } from "./transaction-coordinator.ts";
import { type PartitionPosition, positionsWith, type TransactionalGroup } from "./transactional-group.ts";
import type { BatchIdentity } from "./wire/batch-builder.ts";

export interface KafkaTransactorOptions extends Omit<KafkaPublisherOptions, "acks" | "idempotent"> {
  /** Stable for one member over its restarts, and of no other: a newer process with the same id fences the older one. */
  readonly transactionalId: string;
  /** The broker aborts a transaction that is open for so long. Default 60,000 ms. */
  readonly transactionTimeoutMs?: number | undefined;
}

/** One transaction, while it is open. */
export interface KafkaTransaction {
  /** Resolves when the broker has the messages; readers see them when the transaction has committed. */
  publish(topic: string, messages: Message | readonly Message[]): Promise<void>;
  /** The message's group moves past it with the commit, or not at all. It must come from a `KafkaSubscriber` subscription with a group. */
  ack(message: ReceivedMessage): void;
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
 * - Rejects with `PRODUCER_FENCED`, `DELIVERY_LOST`, and with what `KafkaPublisher.publish` rejects with.
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
  readonly #named: Set<string> = new Set();
  #identity: BatchIdentity | undefined;
  /** The broker knows of the transaction. */
  #begun = false;
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
    if (this.#identity === undefined) {
      this.#identity = await this.#coordinator.identify();
      this.#sending.renewIdentity();
    }
    this.#named.clear();
    this.#begun = false;
    const published: Promise<void>[] = [];
    const acked: ReceivedMessage[] = [];
    let result: T;
    try {
      result = await work({
        publish: (topic, messages) => {
          const publishing = this.#sending.publish(topic, messages);
          published.push(publishing);
          return publishing;
        },
        ack: (message) => void acked.push(message),
      });
      await Promise.all(published);
    } catch (error) {
      await this.#abort(published);
      throw error;
    }
    try {
      await this.#commit(acked);
    } catch (error) {
      await this.#abort(published);
      throw error;
    }
    return result;
  }

  async #commit(acked: readonly ReceivedMessage[]): Promise<void> {
    const identity = this.#identity as BatchIdentity;
    const groups = Map.groupBy(acked.map(groupedRecord), ({ place }) => place.group as TransactionalGroup);
    // A group's own commits wait until the transaction's is decided, or the later of the two would win whatever it says.
    const positions: PartitionPosition[] = [];
    const locked = async ([first, ...rest]: readonly TransactionalGroup[]): Promise<void> => {
      if (first !== undefined) {
        await first.exclusively(async () => {
          const moved = positionsWith(groups.get(first) ?? []);
          positions.push(...moved);
          this.#begun = true;
          await this.#coordinator.addOffsets(identity, first, moved);
          await locked(rest);
        });
        return;
      }
      if (this.#begun) await this.#coordinator.end(identity, true);
      for (const { partition, offset, note } of positions) {
        partition.committed = offset;
        partition.committedNote = note;
      }
      for (const message of acked) message.ack();
    };
    await locked([...groups.keys()]);
  }

  /** Whatever goes wrong here, the next transaction begins with a fresh identity, and the broker aborts what is open then. */
  async #abort(published: readonly Promise<void>[]): Promise<void> {
    const identity = this.#identity as BatchIdentity;
    const results = await Promise.allSettled(published);
    const clean = results.every(({ status }) => status === "fulfilled");
    if (!clean) this.#identity = undefined;
    try {
      if (clean && this.#begun) await this.#coordinator.end(identity, false);
    } catch {
      this.#identity = undefined;
    }
  }

  /** A transaction names the partitions that it writes to before it does. */
  async #name(queues: readonly PartitionQueue[]): Promise<void> {
    const fresh = queues.filter(({ topic, partition }) => !this.#named.has(`${topic}:${partition}`));
    if (fresh.length === 0) return;
    const topics = [...Map.groupBy(fresh, ({ topic }) => topic)].map(([name, some]) => ({ name, partitions: some.map(({ partition }) => partition) }));
    this.#begun = true;
    await this.#coordinator.addPartitions(this.#identity as BatchIdentity, topics);
    for (const { topic, partition } of fresh) this.#named.add(`${topic}:${partition}`);
  }

  async #close(): Promise<void> {
    await this.#last;
    await this.#sending.close();
    this.#coordinator.close();
  }
}

function groupedRecord(message: ReceivedMessage): PartitionRecord {
  const record = recordOf(message) as PartitionRecord | undefined;
  if (record === undefined || record.place.group === undefined) {
    throw new MillraceError(`message ${message.id} does not come from a Kafka subscription with a group`, { code: "NOT_TRANSACTIONAL" });
  }
  if (record.place.dead || record.settled) throw new MillraceError(`message ${message.id} is not ours to ack any more`, { code: "DELIVERY_LOST" });
  return record;
}
