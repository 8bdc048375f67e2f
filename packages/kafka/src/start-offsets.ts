import type { From } from "millrace";
import { MillraceError } from "millrace";
import { whileBusy } from "millrace/adapter";
import { brokerError, errorId } from "./kafka-error.ts";
import { LIST_OFFSETS } from "./wire/apis.ts";
import type { Cluster } from "./wire/cluster.ts";

const EARLIEST = -2n;
const LATEST = -1n;
/** A partition that was made just now, and one whose leader died, takes a moment. */
const LEADERLESS = { minDelayMs: 50, maxDelayMs: 200, patienceMs: 3000 };
const PASSING: readonly string[] = ["NOT_LEADER_OR_FOLLOWER", "LEADER_NOT_AVAILABLE", "FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH", "OFFSET_NOT_AVAILABLE"];

/** Where `from` begins in each of the partitions. */
export async function startOffsets(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  from: From,
  committedOnly: boolean,
): Promise<Map<number, number>> {
  if (from === "latest") return await endOffsets(cluster, topic, partitions, committedOnly);
  if (from !== "earliest" && "time" in from) {
    const found = await offsetsAt(cluster, topic, partitions, BigInt(from.time.getTime()), committedOnly);
    const later = partitions.filter((partition) => (found.get(partition) ?? -1) < 0); // nothing is as late as that
    if (later.length > 0) for (const [partition, end] of await endOffsets(cluster, topic, later, committedOnly)) found.set(partition, end);
    return found;
  }
  const found = await earliestOffsets(cluster, topic, partitions, committedOnly);
  if (from !== "earliest") for (const [partition, offset] of parsePosition(from.position) ?? []) if (found.has(partition)) found.set(partition, offset);
  return found;
}

/** `"3:1200"`, or `"0:17,3:1200"`: partitions and offsets. `undefined` for anything else. */
export function parsePosition(position: string): Map<number, number> | undefined {
  const parsed = new Map<number, number>();
  for (const part of position.split(",")) {
    const match = /^(\d{1,9}):(\d{1,15})$/.exec(part);
    if (match === null) return undefined;
    parsed.set(Number(match[1]), Number(match[2]));
  }
  return parsed;
}

export function earliestOffsets(cluster: Cluster, topic: string, partitions: readonly number[], committedOnly: boolean): Promise<Map<number, number>> {
  return offsetsAt(cluster, topic, partitions, EARLIEST, committedOnly);
}

export function endOffsets(cluster: Cluster, topic: string, partitions: readonly number[], committedOnly: boolean): Promise<Map<number, number>> {
  return offsetsAt(cluster, topic, partitions, LATEST, committedOnly);
}

/** The first offset of each partition at or after a time, −1 where there is none. Waits a while for partitions to have a leader. */
export async function offsetsAt(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  timestamp: bigint,
  committedOnly: boolean,
): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  if (partitions.length === 0) return found; // its topic need not be there
  let left = [...partitions];
  let leaderless: unknown;
  const ask = async (): Promise<Map<number, number>> => {
    const leaders = (cluster.topic(topic) ?? (await cluster.refresh([topic])).get(topic))?.leaders;
    if (leaders === undefined) throw brokerError("UNKNOWN_TOPIC_OR_PARTITION", `topic ${JSON.stringify(topic)}`);
    const groups = Map.groupBy(left, (partition) => leaders[partition] ?? -1);
    await Promise.all(
      [...groups].map(async ([leader, indexes]) => {
        const broker = cluster.brokers.get(leader);
        if (broker === undefined) return;
        const request = [{ name: topic, partitions: indexes.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp })) }];
        const { topics } = await cluster.asking.call(broker, LIST_OFFSETS, -1, committedOnly ? 1 : 0, request);
        for (const { partitionIndex, errorCode, offset } of topics[0]?.partitions ?? []) {
          const id = errorId(errorCode);
          if (errorCode === 0) found.set(partitionIndex, Number(offset));
          else if (!PASSING.includes(id)) throw brokerError(id, `looking up offsets of topic ${JSON.stringify(topic)}, partition ${partitionIndex}`);
        }
      }),
    );
    left = left.filter((partition) => !found.has(partition));
    if (left.length === 0) return found;
    cluster.forget(topic);
    leaderless = new MillraceError(`partition ${left[0]} of topic ${JSON.stringify(topic)} has no leader`, { code: "BROKER_UNREACHABLE", retryable: true });
    throw leaderless;
  };
  return await whileBusy(ask, { ...LEADERLESS, isBusy: (error) => error === leaderless });
}
