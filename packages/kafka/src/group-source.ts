import type { From } from "millrace";
import type { Intake, Session, Source } from "millrace/adapter";
import { whileCoordinatorMoves } from "./group-client.ts";
import { GroupSession } from "./group-session.ts";
import { asRetryable } from "./kafka-error.ts";
import { Membership, type MembershipRules } from "./membership.ts";
import type { PartitionReader, PartitionRecord } from "./partition-reader.ts";
import type { ReadingRules } from "./reading-rules.ts";
import type { Topology } from "./topology.ts";
import type { TransactionalGroup } from "./transactional-group.ts";
import type { Cluster } from "./wire/cluster.ts";

export interface GroupRules extends MembershipRules {
  readonly from: From;
  readonly heartbeatMs: number;
  /** How long handlers of a partition that moves may still run. */
  readonly revokeDrainMs: number;
}

/** A subscription in a group. Its membership and its partitions outlive the connections: each session goes on with them. */
export class GroupSource implements Source<PartitionRecord>, TransactionalGroup {
  readonly cluster: Cluster;
  readonly topology: Topology;
  readonly reading: ReadingRules;
  readonly rules: GroupRules;
  readonly member: Membership;
  readonly partitions: Map<number, PartitionReader> = new Map();
  /** Where partitions begin of which the group has no record. */
  from: From;
  topicId: string = "";
  /** The session of the moment: transactions commit through it. */
  session: GroupSession | undefined;
  #opened = false;

  constructor(cluster: Cluster, topology: Topology, reading: ReadingRules, rules: GroupRules) {
    this.cluster = cluster;
    this.topology = topology;
    this.reading = reading;
    this.rules = rules;
    this.from = rules.from;
    this.member = new Membership(rules);
  }

  /** True when the topic is another than before, of the same name: whatever was known of its partitions is void. */
  isAnew(topicId: string): boolean {
    const anew = this.topicId !== "" && this.topicId !== topicId;
    this.topicId = topicId;
    if (anew) this.from = "earliest"; // all that is in it came after the subscription
    return anew;
  }

  get group(): string {
    return this.rules.group;
  }

  get topic(): string {
    return this.rules.topic;
  }

  get standing(): { readonly memberId: string; readonly generation: number } | undefined {
    const { memberId, generation, alive } = this.member;
    return alive && this.session !== undefined ? { memberId, generation } : undefined;
  }

  async idle(): Promise<void> {
    await this.session?.commits.idle();
  }

  async open(intake: Intake<PartitionRecord>, signal: AbortSignal): Promise<Session<PartitionRecord>> {
    try {
      this.session = await (this.#opened ? this.#openOnce(intake, signal) : whileCoordinatorMoves(() => this.#openOnce(intake, signal)));
      this.#opened = true;
      return this.session;
    } catch (error) {
      // What has worked once is tried for ever: topics come back, rights are given again.
      throw this.#opened ? asRetryable(error) : error;
    }
  }

  async #openOnce(intake: Intake<PartitionRecord>, signal: AbortSignal): Promise<GroupSession> {
    const session = new GroupSession(this, intake, signal);
    try {
      await session.open();
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }
}
