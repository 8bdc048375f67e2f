import { MillraceError } from "millrace";
import { whileBusy } from "millrace/adapter";
import type { BrokerAddress } from "./connection-options.ts";
import { GroupClient, whileCoordinatorMoves } from "./group-client.ts";
import { brokerError, errorId } from "./kafka-error.ts";
import type { PartitionRecord } from "./partition-reader.ts";
import { readRanges } from "./settled-ranges.ts";
import { isSettledAt, type PartitionPosition, type TransactionalGroup } from "./transactional-group.ts";
import { ADD_OFFSETS_TO_TXN, ADD_PARTITIONS_TO_TXN, END_TXN, INIT_PRODUCER_ID, TXN_OFFSET_COMMIT } from "./wire/apis.ts";
import type { BatchIdentity } from "./wire/batch-builder.ts";
import type { BrokerLinks } from "./wire/broker-links.ts";
import type { Cluster } from "./wire/cluster.ts";

const MOVED: readonly string[] = ["NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE"];
/** Answers that say for sure that a transaction is not committed by this request. */
const DENIALS: readonly string[] = [
  "NOT_COORDINATOR",
  "COORDINATOR_LOAD_IN_PROGRESS",
  "PRODUCER_FENCED",
  "INVALID_PRODUCER_EPOCH",
  "INVALID_TXN_STATE",
  "INVALID_PRODUCER_ID_MAPPING",
  "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
];
const PASSING: readonly string[] = ["COORDINATOR_LOAD_IN_PROGRESS", "CONCURRENT_TRANSACTIONS", "UNKNOWN_TOPIC_OR_PARTITION", "REQUEST_TIMED_OUT", ...MOVED];

const STEP = { minDelayMs: 10, maxDelayMs: 500 };

export interface TransactionRules {
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  /** How long one step is tried while the coordinator cannot be reached or is busy. */
  readonly stepTimeoutMs: number;
}

/** What is said to the broker that keeps a transactional id. Each step is tried again while that can help; all may be repeated. */
export class TransactionCoordinator {
  readonly #cluster: Cluster;
  readonly #links: BrokerLinks;
  readonly #rules: TransactionRules;
  #address: BrokerAddress | undefined;

  constructor(cluster: Cluster, rules: TransactionRules) {
    this.#cluster = cluster;
    this.#links = cluster.links();
    this.#rules = rules;
  }

  /** A fresh epoch: whoever used the id before is fenced, what he left open is aborted. */
  async identify(): Promise<BatchIdentity> {
    const { transactionalId, transactionTimeoutMs } = this.#rules;
    let identity: BatchIdentity | undefined;
    await this.#step("beginning", async (at) => {
      const answer = await this.#links.call(at, INIT_PRODUCER_ID, transactionalId, transactionTimeoutMs, -1n, -1);
      identity = { producerId: answer.producerId, epoch: answer.producerEpoch };
      return answer.errorCode;
    });
    return identity as BatchIdentity;
  }

  addPartitions({ producerId, epoch }: BatchIdentity, topics: { name: string; partitions: number[] }[]): Promise<void> {
    const { transactionalId } = this.#rules;
    return this.#step("adding partitions", async (at) => {
      const request = [{ transactionalId, producerId, producerEpoch: epoch, verifyOnly: false, topics }];
      const { resultsByTransaction } = await this.#links.call(at, ADD_PARTITIONS_TO_TXN, request);
      const results = resultsByTransaction.flatMap(({ topicResults }) => topicResults).flatMap(({ resultsByPartition }) => resultsByPartition);
      // Where one is refused, the others say that they were not attempted.
      const failed = results.filter(({ partitionErrorCode }) => partitionErrorCode !== 0).map(({ partitionErrorCode }) => partitionErrorCode);
      return failed.find((code) => errorId(code) !== "OPERATION_NOT_ATTEMPTED") ?? failed[0] ?? 0;
    });
  }

  async addOffsets(
    { producerId, epoch }: BatchIdentity,
    { group, topic, standing }: TransactionalGroup,
    positions: readonly PartitionPosition[],
  ): Promise<void> {
    const { transactionalId } = this.#rules;
    if (standing === undefined) throw new MillraceError(`this member is not in group ${JSON.stringify(group)} any more`, { code: "DELIVERY_LOST" });
    await this.#step("adding a group", async (at) => (await this.#links.call(at, ADD_OFFSETS_TO_TXN, transactionalId, producerId, epoch, group)).errorCode);
    const partitions = positions.map(({ partition, offset, note }) => ({
      partitionIndex: partition.index,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: partition.epochBefore(offset),
      committedMetadata: note,
    }));
    const { memberId, generation } = standing;
    await this.#step("committing offsets", async () => {
      const keeper = await this.#cluster.coordinator(0, group);
      const request = [{ name: topic, partitions }];
      const answer = await this.#links.call(keeper, TXN_OFFSET_COMMIT, transactionalId, group, producerId, epoch, generation, memberId, null, request);
      return answer.topics.flatMap((each) => each.partitions).find(({ errorCode }) => errorCode !== 0)?.errorCode ?? 0;
    });
  }

  abort({ producerId, epoch }: BatchIdentity): Promise<void> {
    const { transactionalId } = this.#rules;
    return this.#step("aborting", async (at) => (await this.#links.call(at, END_TXN, transactionalId, producerId, epoch, false)).errorCode);
  }

  /** Rejects when it is surely not committed. Resolves with what went wrong where nobody has said whether it is. */
  async commit({ producerId, epoch }: BatchIdentity): Promise<unknown> {
    const { transactionalId } = this.#rules;
    let inDoubt = false;
    try {
      await this.#step("committing", async (at) => {
        const connection = await this.#links.connect(at);
        const before = inDoubt;
        inDoubt = true;
        const { errorCode } = await this.#links.send(connection, END_TXN, transactionalId, producerId, epoch, true);
        if (DENIALS.includes(errorId(errorCode))) inDoubt = before;
        return errorCode;
      });
      return undefined;
    } catch (error) {
      if (!inDoubt) throw error;
      return error;
    }
  }

  /** True when the group has all these records on record as settled. */
  async hasSettled({ group, topic }: TransactionalGroup, records: readonly PartitionRecord[]): Promise<boolean> {
    const partitions = [...new Set(records.map(({ place }) => place.index))];
    return await whileCoordinatorMoves(async () => {
      const client = await GroupClient.open(this.#cluster, group, 0);
      try {
        const recorded = await client.committed(topic, partitions);
        return records.every(({ place, offset }) => {
          const at = recorded.get(place.index);
          return at !== undefined && isSettledAt(offset, { offset: at.offset, ranges: readRanges(at.offset, at.note) });
        });
      } finally {
        client.close();
      }
    });
  }

  close(): void {
    this.#links.close();
  }

  async #step(name: string, call: (at: BrokerAddress) => Promise<number>): Promise<void> {
    const { transactionalId, stepTimeoutMs } = this.#rules;
    let id: string | undefined;
    const work = async (): Promise<void> => {
      id = undefined;
      try {
        this.#address ??= await this.#cluster.coordinator(1, transactionalId);
        id = errorId(await call(this.#address));
      } finally {
        if (id === undefined || MOVED.includes(id)) this.#address = undefined;
      }
      if (id !== "NONE") throw brokerError(id, `${name} in transaction ${JSON.stringify(transactionalId)}`);
    };
    await whileBusy(work, {
      ...STEP,
      patienceMs: stepTimeoutMs,
      isBusy: (error) => (id === undefined ? MillraceError.is(error) && error.code === "BROKER_UNREACHABLE" : PASSING.includes(id)),
    });
  }
}
