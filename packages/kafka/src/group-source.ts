import type { From } from "millrace";
import type { Intake, Session, Source } from "millrace/adapter";
import { GroupSession } from "./group-session.ts";
import { asRetryable } from "./kafka-error.ts";
import { Membership, type MembershipRules } from "./membership.ts";
import type { PartitionReader, PartitionRecord } from "./partition-reader.ts";
import type { ReadingRules } from "./reading-rules.ts";
import type { Topology } from "./topology.ts";
import type { Cluster } from "./wire/cluster.ts";

export interface GroupRules extends MembershipRules {
  readonly from: From;
  readonly heartbeatMs: number;
  /** How long handlers of a partition that moves may still run. */
  readonly revokeDrainMs: number;
}

/** A subscription in a group. Its membership and its partitions outlive the connections: each session goes on with them. */
export class GroupSource implements Source<PartitionRecord> {
  readonly cluster: Cluster;
  readonly topology: Topology;
  readonly reading: ReadingRules;
  readonly rules: GroupRules;
  readonly member: Membership;
  readonly partitions: Map<number, PartitionReader> = new Map();
  /** The session of the moment: transactions commit through it. */
  session: GroupSession | undefined;
  #opened = false;

  constructor(cluster: Cluster, topology: Topology, reading: ReadingRules, rules: GroupRules) {
    this.cluster = cluster;
    this.topology = topology;
    this.reading = reading;
    this.rules = rules;
    this.member = new Membership(rules);
  }

  async open(intake: Intake<PartitionRecord>, signal: AbortSignal): Promise<Session<PartitionRecord>> {
    const session = new GroupSession(this, intake, signal);
    try {
      await session.open();
      this.#opened = true;
      this.session = session;
      return session;
    } catch (error) {
      await session.close();
      // What has worked once is tried for ever: topics come back, rights are given again.
      throw this.#opened ? asRetryable(error) : error;
    }
  }
}
