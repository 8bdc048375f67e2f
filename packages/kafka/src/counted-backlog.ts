import { brokerError, errorId } from "./kafka-error.ts";
import { lengthOf, type PartitionBacklog, within } from "./partition-backlog.ts";
import type { Cluster } from "./wire/cluster.ts";
import { FETCH } from "./wire/fetch-api.ts";
import { RecordCursor } from "./wire/record-cursor.ts";

/** Messages of a partition, and when the first was published. */
export interface CountedBacklog {
  readonly messages: number;
  readonly oldestAt: number | undefined;
}

/** So much is read to be counted: beyond it an offset counts as a message, though it may be a marker of a transaction, or compacted away. */
const COUNTED_BYTES = 64 * 1024;

/** Looks at the first records of a backlog: when the oldest was published, and whether what little there is are messages at all. */
export async function countedBacklog(cluster: Cluster, topic: string, backlog: PartitionBacklog, committedOnly: boolean): Promise<CountedBacklog> {
  const { partition, begin, end, settled } = backlog;
  if (backlog.offsets === 0) return { messages: 0, oldestAt: undefined };
  const info = cluster.topic(topic);
  const broker = cluster.brokers.get(info?.leaders[partition] ?? -1);
  if (info === undefined || broker === undefined) throw brokerError("LEADER_NOT_AVAILABLE", `topic ${JSON.stringify(topic)}, partition ${partition}`);
  const answer = await cluster.asking.call(broker, FETCH, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: COUNTED_BYTES,
    committedOnly,
    topic,
    topicId: info.id,
    partitions: [{ partition, offset: begin, lastEpoch: -1, maxBytes: COUNTED_BYTES }],
  });
  const [fetched] = answer.partitions;
  const code = answer.errorCode === 0 ? (fetched?.errorCode ?? 0) : answer.errorCode;
  if (code !== 0) throw brokerError(errorId(code), `topic ${JSON.stringify(topic)}, partition ${partition}`);
  const cursor = new RecordCursor({ topic, index: partition }, fetched?.records ?? Buffer.alloc(0), begin, fetched?.aborted ?? []);
  let messages = 0;
  let oldestAt: number | undefined;
  for (let record = cursor.take(); record !== undefined && record.offset < end; record = cursor.take()) {
    const { offset } = record;
    if (settled.some((range) => range.begin <= offset && offset < range.end)) continue;
    messages++;
    oldestAt ??= record.timestamp;
  }
  // Behind the end, or at bytes that cannot be read, counting ends.
  const counted = Math.min(cursor.takeBroken()?.offset ?? cursor.next, end);
  return { messages: messages + end - counted - lengthOf(within(settled, counted, end)), oldestAt };
}
