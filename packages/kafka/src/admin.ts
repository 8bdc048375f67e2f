import { type BrokerAdmin, type From, OptionError } from "millrace";
import { groupBusy, unknownGroup, unknownTopic } from "millrace/adapter";
import { countedBacklog } from "./counted-backlog.ts";
import { GroupClient, hasMembers, whileCoordinatorMoves } from "./group-client.ts";
import { brokerError } from "./kafka-error.ts";
import { listGroups } from "./list-groups.ts";
import { partitionBacklogs } from "./partition-backlog.ts";
import { parsePosition, startOffsets } from "./start-offsets.ts";
import type { Cluster, TopicInfo } from "./wire/cluster.ts";

export interface KafkaAdminRules {
  readonly cluster: Cluster;
  readonly committedOnly: boolean;
  groupName(topic: string, group: string): string;
  /** Kafka's ids of groups are not the names in `subscribe`, and it cannot be told what those would be. */
  readonly renamed: boolean;
}

/**
 * What tools ask of a cluster. A group is of a topic when it has an offset on record there; `groups` is left out where ids are
 * made by a function.
 */
export function kafkaAdmin({ cluster, committedOnly, groupName, renamed }: KafkaAdminRules): BrokerAdmin {
  const topicOf = async (topic: string): Promise<TopicInfo> => {
    const info = (await cluster.refresh([topic])).get(topic);
    if (info === undefined) throw unknownTopic(topic);
    return info;
  };
  /** Runs `work` with a client of a group that is known in the topic. */
  const withGroup = async <T>(
    topic: string,
    group: string,
    work: (client: GroupClient, partitions: readonly number[], info: TopicInfo) => Promise<T>,
  ): Promise<T> => {
    const info = await topicOf(topic);
    return await whileCoordinatorMoves(async () => {
      const client = await GroupClient.open(cluster, groupName(topic, group), 0);
      try {
        return await work(client, [...info.leaders.keys()], info);
      } finally {
        client.close();
      }
    });
  };
  /** Whose members may come between: the coordinator has the last word. */
  const changed = (topic: string, group: string, id: string): void => {
    if (hasMembers(id)) throw groupBusy(topic, group);
    if (id === "GROUP_ID_NOT_FOUND") throw unknownGroup(topic, group);
    if (id !== "NONE") throw brokerError(id, `group ${JSON.stringify(group)}`);
  };
  return {
    async topics() {
      return await cluster.topicNames();
    },
    ...(renamed
      ? {}
      : {
          groups: async (topic: string) => {
            return await listGroups(cluster, topic, [...(await topicOf(topic)).leaders.keys()]);
          },
        }),
    async lag(topic, group) {
      return await withGroup(topic, group, async (client, partitions) => {
        const { recorded, backlogs } = await partitionBacklogs(cluster, client, topic, partitions, committedOnly);
        if (!recorded) throw unknownGroup(topic, group);
        const counted = await Promise.all(backlogs.map((backlog) => countedBacklog(cluster, topic, backlog, committedOnly)));
        const left = counted.filter(({ messages }) => messages > 0);
        const oldest = Math.min(...left.map(({ oldestAt = Number.NaN }) => oldestAt));
        return { messages: left.reduce((sum, { messages }) => sum + messages, 0), oldestAt: Number.isFinite(oldest) ? new Date(oldest) : undefined };
      });
    },
    async seek(topic: string, group: string, to: From) {
      if (typeof to === "object" && "position" in to && parsePosition(to.position) === undefined) {
        throw new OptionError("KafkaSubscriber.admin.seek", ['to: { position } must be "partition:offset", or several separated by commas']);
      }
      await withGroup(topic, group, async (client, partitions, info) => {
        if ((await client.committed(topic, partitions, { atOnce: true })).size === 0) throw unknownGroup(topic, group);
        const starts = await startOffsets(cluster, topic, partitions, to, committedOnly);
        const parts = [...starts].map(([partition, offset]) => ({ partition, offset, note: "", epoch: -1 }));
        changed(topic, group, await client.commit("", -1, info, parts));
      });
    },
    async deleteGroup(topic, group) {
      await withGroup(topic, group, async (client, partitions) => {
        if ((await client.committed(topic, partitions, { atOnce: true })).size === 0) throw unknownGroup(topic, group);
        changed(topic, group, await client.forget(topic, partitions));
      });
    },
  };
}
