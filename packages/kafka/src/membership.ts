import {
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
} from "@platformatic/kafka";
import { MillraceError } from "millrace";
import { monotonicMs, sleep } from "millrace/adapter";
import { assignCooperatively, assignRanges, type GroupMember } from "./assignor.ts";
import type { GroupClient, Joined } from "./group-client.ts";
import { brokerError } from "./kafka-error.ts";
import type { Cluster } from "./wire/cluster.ts";

export interface MembershipRules {
  readonly topic: string;
  readonly group: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly cooperative: boolean;
}

export interface JoinHooks {
  owned(): readonly number[];
  /** The group had forgotten us. */
  onLost(): void;
  readonly ended: AbortSignal;
}

const LOST: readonly string[] = ["UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID"];
/**
 * The group is past what we know, and we are in it: the answer to a join of ours did not reach us. What we claimed by that join nobody has got.
 */
const MISSED = "ILLEGAL_GENERATION";
const PASSING: readonly string[] = ["REBALANCE_IN_PROGRESS", MISSED, "UNKNOWN_SERVER_ERROR"];
const RETRY_MS = 50;

/** The group does not know this member any more. */
export function isLost(id: string): boolean {
  return LOST.includes(id);
}

/** The group takes nothing of this member, or of this generation, until it has joined again. */
export function isPast(id: string): boolean {
  return LOST.includes(id) || id === MISSED || id === "REBALANCE_IN_PROGRESS";
}

/** This member's place in its group. It outlives connections: a member that comes back in time keeps what it has. */
export class Membership {
  readonly #rules: MembershipRules;
  memberId = "";
  generation = -1;
  /** The group gathers, or gave us what we have not taken yet: we have to join (again). */
  stale = false;
  /** Partitions of each topic of the group by which this member, as its leader, made the shares of this generation. */
  counts: ReadonlyMap<string, number> | undefined;
  #joining = false;
  /** When the last heartbeat that was answered had been sent. */
  #lastBeat = 0;

  constructor(rules: MembershipRules) {
    this.#rules = rules;
  }

  /** A join is under way: its answer decides. */
  get joining(): boolean {
    return this.#joining;
  }

  get joined(): boolean {
    return this.generation >= 0;
  }

  /** False when the group may have given our partitions to others. */
  get alive(): boolean {
    return this.joined && monotonicMs() - this.#lastBeat < this.#rules.sessionTimeoutMs;
  }

  /** The group does not know us any more. */
  lose(): void {
    this.memberId = "";
    this.generation = -1;
  }

  /** `"ok"`, `"rebalance"`: the group gathers anew, `"lost"`: it has forgotten us. What an answer says of a round that we have joined meanwhile is no news. */
  async beat(client: GroupClient): Promise<"ok" | "rebalance" | "lost"> {
    const { generation } = this;
    const state = await this.#ask(client);
    return this.#joining || generation !== this.generation ? "ok" : state;
  }

  async #ask(client: GroupClient): Promise<"ok" | "rebalance" | "lost"> {
    const sentAt = monotonicMs();
    const id = await client.heartbeat(this.memberId, this.generation);
    if (LOST.includes(id)) return "lost";
    if (id === MISSED) return "rebalance";
    if (id !== "NONE" && id !== "REBALANCE_IN_PROGRESS") throw brokerError(id, `group ${JSON.stringify(this.#rules.group)}`);
    this.#lastBeat = Math.max(this.#lastBeat, sentAt);
    return id === "NONE" ? "ok" : "rebalance";
  }

  /** Joins, or joins again, and returns the partitions that are ours now. */
  async join(client: GroupClient, cluster: Cluster, { owned, onLost, ended }: JoinHooks): Promise<readonly number[]> {
    this.#joining = true;
    try {
      for (;;) {
        ended.throwIfAborted(); // a join behind our leaving would make the others wait for us
        const ours = await this.#joinOnce(client, cluster, owned(), onLost);
        if (ours !== undefined) return ours;
      }
    } finally {
      this.#joining = false;
    }
  }

  /** `undefined`: to be tried again. */
  async #joinOnce(client: GroupClient, cluster: Cluster, owned: readonly number[], onLost: () => void): Promise<readonly number[] | undefined> {
    const { topic, cooperative, sessionTimeoutMs, rebalanceTimeoutMs } = this.#rules;
    const holding = cooperative ? [...owned] : [];
    const subscription = encodeConsumerProtocolSubscription({
      version: cooperative ? 2 : 0,
      topics: [topic],
      userData: "",
      ownedPartitions: [{ topic, partitions: holding }],
      generationId: holding.length > 0 ? this.generation : -1,
    });
    const protocol = cooperative ? "cooperative-sticky" : "range";
    const joined = await client.join({ memberId: this.memberId, sessionTimeoutMs, rebalanceTimeoutMs, protocol, subscription });
    if (joined.id === "MEMBER_ID_REQUIRED") {
      this.memberId = joined.memberId;
      return undefined;
    }
    if (joined.id !== "NONE") return await this.#tryAgain(joined.id, onLost);
    // From here on the group takes heartbeats and commits of the new generation only, and its leader may be long in coming, or dead: without
    // heartbeats all that we hold would count as lost meanwhile.
    this.memberId = joined.memberId;
    this.generation = joined.generation;
    this.counts = undefined;
    // If this process stood still, the round may have ended long ago: only an answer to what is asked now tells that we are in it.
    if ((await this.#ask(client)) === "lost") {
      this.lose();
      onLost();
      return undefined;
    }
    const { id, assignment } = await client.sync(joined, joined.leader ? await this.#assign(joined, cluster) : []);
    // Where the group gathers once more, this generation counts as ours all the same: what we hold stays claimed.
    if (id !== "NONE") return await this.#tryAgain(id, onLost);
    if (assignment.length === 0) return [];
    return decodeConsumerProtocolAssignment(assignment).assignedPartitions.flatMap((each) => (each.topic === topic ? each.partitions : []));
  }

  async #tryAgain(id: string, onLost: () => void): Promise<undefined> {
    if (LOST.includes(id)) {
      this.lose();
      onLost();
      return;
    }
    if (!PASSING.includes(id)) throw brokerError(id, `group ${JSON.stringify(this.#rules.group)}`);
    await sleep(RETRY_MS);
  }

  /** The leader's part: who gets what. */
  async #assign({ members, protocol }: Joined, cluster: Cluster): Promise<{ memberId: string; assignment: Buffer }[]> {
    const known: GroupMember[] = members.map(({ memberId, subscription }) => {
      const { topics, ownedPartitions, generationId } = decodeConsumerProtocolSubscription(subscription);
      return { memberId, topics, owned: new Map(ownedPartitions.map((each) => [each.topic, each.partitions])), generation: generationId };
    });
    const topics = [...new Set(known.flatMap((member) => member.topics))];
    const found = await cluster.refresh(topics);
    if (!found.has(this.#rules.topic)) throw brokerError("UNKNOWN_TOPIC_OR_PARTITION", `topic ${JSON.stringify(this.#rules.topic)}`);
    const counts = new Map([...found].map(([name, { leaders }]) => [name, leaders.length]));
    if (protocol !== "cooperative-sticky" && protocol !== "range") {
      throw new MillraceError(`group ${JSON.stringify(this.#rules.group)}: the assignment ${protocol} is not known here`, { code: "GROUP_MISMATCH" });
    }
    this.counts = counts;
    const shares = protocol === "range" ? assignRanges(known, counts) : assignCooperatively(known, counts);
    return [...shares].map(([memberId, byTopic]) => {
      const assignedPartitions = [...byTopic].map(([topic, partitions]) => ({ topic, partitions }));
      return { memberId, assignment: encodeConsumerProtocolAssignment({ version: 0, assignedPartitions, userData: null }) };
    });
  }
}
