import { MillraceError } from "millrace";
import { whileBusy } from "millrace/adapter";
import type { BrokerAddress } from "./connection-options.ts";
import { brokerError, errorId } from "./kafka-error.ts";
import { HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, OFFSET_DELETE, OFFSET_FETCH, SYNC_GROUP } from "./wire/apis.ts";
import type { BrokerLinks } from "./wire/broker-links.ts";
import type { Cluster, TopicInfo } from "./wire/cluster.ts";
import { OFFSET_COMMIT } from "./wire/offset-commit-api.ts";

export interface JoinRequest {
  readonly memberId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocol: string;
  readonly subscription: Buffer;
}

export interface Joined {
  readonly id: string;
  readonly memberId: string;
  readonly generation: number;
  readonly protocol: string;
  readonly leader: boolean;
  readonly members: readonly { readonly memberId: string; readonly subscription: Buffer }[];
}

export interface CommitPart {
  readonly partition: number;
  readonly offset: number;
  readonly note: string;
  /** The leader epoch of the record before that offset, −1 where it is not known. */
  readonly epoch: number;
}

export interface CommittedOffset {
  readonly offset: number;
  readonly epoch: number;
  readonly note: string | null | undefined;
}

const MOVED: readonly string[] = ["NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS"];

const MOVED_CODE = "COORDINATOR_MOVED";
/** What a commit from outside is answered with while the group has members. */
const HAS_MEMBERS: readonly string[] = ["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS"];
/** A new cluster, and one that has just lost a broker, takes a moment. */
const MOVING = { minDelayMs: 20, maxDelayMs: 200, patienceMs: 10_000 };

/** True for the answer to a commit, or a deletion, from outside of a group that has members. */
export function hasMembers(id: string): boolean {
  return HAS_MEMBERS.includes(id) || id === "GROUP_SUBSCRIBED_TO_TOPIC" || id === "NON_EMPTY_GROUP";
}

/** The error of a broker that does not coordinate the group any more; `whileCoordinatorMoves` tries again. */
export function coordinatorMoved(group: string, id: string): MillraceError | undefined {
  if (!MOVED.includes(id)) return undefined;
  return new MillraceError(`group ${JSON.stringify(group)}: its coordinator moves (${id})`, { code: MOVED_CODE, retryable: true });
}

/** Does `work`, again while the group's coordinator moves. */
export async function whileCoordinatorMoves<T>(work: () => Promise<T>): Promise<T> {
  return await whileBusy(work, { ...MOVING, isBusy: (error) => MillraceError.is(error) && error.code === MOVED_CODE });
}

/** What a member says to its group's coordinator. Answers are Kafka's error names; a broker that is no coordinator any more throws. */
export class GroupClient {
  readonly #group: string;
  readonly #coordinator: BrokerAddress;
  /** Heartbeats and commits go on while a join waits, for as long as the slowest member takes, on the other connection. */
  readonly #links: BrokerLinks;
  readonly #joining: BrokerLinks;

  private constructor(cluster: Cluster, group: string, coordinator: BrokerAddress, joinTimeoutMs: number) {
    this.#group = group;
    this.#coordinator = coordinator;
    this.#links = cluster.links();
    this.#joining = cluster.links({ requestTimeoutMs: joinTimeoutMs + cluster.requestTimeoutMs });
  }

  static async open(cluster: Cluster, group: string, joinTimeoutMs: number): Promise<GroupClient> {
    return new GroupClient(cluster, group, await cluster.coordinator(0, group), joinTimeoutMs);
  }

  close(): void {
    this.#links.close();
    this.#joining.close();
  }

  /** Ends a join that waits for others. */
  endJoining(): void {
    this.#joining.close();
  }

  async join(request: JoinRequest): Promise<Joined> {
    const { memberId, sessionTimeoutMs, rebalanceTimeoutMs, protocol, subscription } = request;
    const protocols = [{ name: protocol, metadata: subscription }];
    // Who has no name yet is given one at once; who does not hear of it is waited for until it counts as dead.
    const links = memberId === "" ? this.#links : this.#joining;
    const answer = await links.call(
      this.#coordinator,
      JOIN_GROUP,
      this.#group,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId,
      null,
      "consumer",
      protocols,
      null,
    );
    return {
      id: this.#checked(answer.errorCode),
      memberId: answer.memberId,
      generation: answer.generationId,
      protocol: answer.protocolName ?? protocol,
      leader: answer.leader === answer.memberId,
      members: answer.members.map(({ memberId: id, metadata }) => ({ memberId: id, subscription: metadata })),
    };
  }

  async sync(
    { memberId, generation, protocol }: Pick<Joined, "memberId" | "generation" | "protocol">,
    assignments: { memberId: string; assignment: Buffer }[],
  ): Promise<{ readonly id: string; readonly assignment: Buffer }> {
    const answer = await this.#joining.call(this.#coordinator, SYNC_GROUP, this.#group, generation, memberId, null, "consumer", protocol, assignments);
    return { id: this.#checked(answer.errorCode), assignment: answer.assignment };
  }

  async heartbeat(memberId: string, generation: number): Promise<string> {
    const { errorCode } = await this.#links.call(this.#coordinator, HEARTBEAT, this.#group, generation, memberId, null);
    return this.#checked(errorCode);
  }

  async leave(memberId: string): Promise<void> {
    await this.#links.call(this.#coordinator, LEAVE_GROUP, this.#group, [{ memberId }]);
  }

  /** The first error of all partitions, or `NONE`. A generation of −1 commits for a group without members. */
  async commit(memberId: string, generation: number, topic: Pick<TopicInfo, "name" | "id">, partitions: readonly CommitPart[]): Promise<string> {
    const request = { group: this.#group, generation, memberId, topic: topic.name, topicId: topic.id, partitions };
    const codes = await this.#links.call(this.#coordinator, OFFSET_COMMIT, request);
    return this.#checked(codes.find((code) => code !== 0) ?? 0);
  }

  /**
   * What the group has on record. Partitions without a record are left out. Refused while a transaction is about to move the
   * offsets, unless `atOnce`: then it is what was there before.
   */
  async committed(topic: string, partitions: readonly number[], { atOnce = false }: { readonly atOnce?: boolean } = {}): Promise<Map<number, CommittedOffset>> {
    const request = { groupId: this.#group, memberEpoch: -1, topics: [{ name: topic, partitionIndexes: [...partitions] }] };
    const { groups } = await this.#links.call(this.#coordinator, OFFSET_FETCH, [request], !atOnce);
    const id = this.#checked(groups[0]?.errorCode ?? 0);
    if (id !== "NONE") throw brokerError(id, `group ${JSON.stringify(this.#group)}`);
    const found = new Map<number, CommittedOffset>();
    for (const { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode } of groups
      .flatMap((group) => group.topics)
      .flatMap((each) => each.partitions)) {
      if (errorCode !== 0) throw brokerError(errorId(errorCode), `group ${JSON.stringify(this.#group)}, partition ${partitionIndex}`);
      if (committedOffset >= 0n) found.set(partitionIndex, { offset: Number(committedOffset), epoch: committedLeaderEpoch, note: metadata });
    }
    return found;
  }

  /** Forgets what the group has on record for a topic. The error's name, or `NONE`. */
  async forget(topic: string, partitions: readonly number[]): Promise<string> {
    const request = [{ name: topic, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) }];
    const { errorCode, topics } = await this.#links.call(this.#coordinator, OFFSET_DELETE, this.#group, request);
    const failed = topics.flatMap((each) => each.partitions).find((each) => each.errorCode !== 0);
    return this.#checked(errorCode === 0 ? (failed?.errorCode ?? 0) : errorCode);
  }

  #checked(errorCode: number): string {
    const id = errorId(errorCode);
    const moved = coordinatorMoved(this.#group, id);
    if (moved !== undefined) throw moved;
    return id;
  }
}
