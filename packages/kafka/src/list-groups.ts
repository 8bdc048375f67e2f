import type { BrokerAddress } from "./connection-options.ts";
import { coordinatorMoved, whileCoordinatorMoves } from "./group-client.ts";
import { brokerError, errorId } from "./kafka-error.ts";
import { LIST_GROUPS, OFFSET_FETCH } from "./wire/apis.ts";
import type { Cluster } from "./wire/cluster.ts";

/** Groups that are asked for at once. */
const TOGETHER = 100;

/** The groups that have an offset on record in one of the partitions. Each broker knows those that it coordinates. */
export async function listGroups(cluster: Cluster, topic: string, partitions: readonly number[]): Promise<readonly string[]> {
  const found = await Promise.all([...cluster.brokers.values()].map((broker) => whileCoordinatorMoves(() => groupsAt(cluster, broker, topic, partitions))));
  return [...new Set(found.flat())].sort();
}

async function groupsAt(cluster: Cluster, broker: BrokerAddress, topic: string, partitions: readonly number[]): Promise<readonly string[]> {
  const { errorCode, groups } = await cluster.asking.call(broker, LIST_GROUPS, [], []);
  check("", errorCode);
  const found: string[] = [];
  for (let at = 0; at < groups.length; at += TOGETHER) {
    const some = groups.slice(at, at + TOGETHER);
    const request = some.map(({ groupId }) => ({ groupId, memberEpoch: -1, topics: [{ name: topic, partitionIndexes: [...partitions] }] }));
    const answer = await cluster.asking.call(broker, OFFSET_FETCH, request, false);
    for (const { groupId, errorCode: code, topics } of answer.groups) {
      check(groupId, code);
      if (topics.some((each) => each.partitions.some(({ committedOffset }) => committedOffset >= 0n))) found.push(groupId);
    }
  }
  return found;
}

function check(group: string, errorCode: number): void {
  if (errorCode === 0) return;
  const id = errorId(errorCode);
  throw coordinatorMoved(group, id) ?? brokerError(id, `listing groups${group === "" ? "" : `, group ${JSON.stringify(group)}`}`);
}
