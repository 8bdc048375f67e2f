import { checkQuestion, groupBusy, unknownGroup, unknownTopic } from "../adapter/index.ts";
import type { BrokerAdmin } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import type { MemoryGroup } from "./memory-group.ts";
import type { MemoryTopic } from "./memory-topic.ts";

export interface MemoryAdminRules {
  readonly persistent: boolean;
  readonly topics: () => Iterable<MemoryTopic>;
  /** Throws when the pub/sub is closed. */
  readonly checkOpen: () => void;
  /** A group is gone, or begins anew: publishers need not wait for it. */
  readonly forget: (topic: MemoryTopic, group: MemoryGroup) => void;
}

/** What is known of the topics and groups in this process. Without `persistent` nothing old is kept, and there is no `seek`. */
export function memoryAdmin({ persistent, topics, checkOpen, forget }: MemoryAdminRules): BrokerAdmin {
  const find = (name: string): MemoryTopic => {
    checkOpen();
    for (const topic of topics()) if (topic.name === name) return topic;
    throw unknownTopic(name);
  };
  const findGroup = (topic: MemoryTopic, name: string): MemoryGroup => {
    const group = topic.find(name);
    if (group === undefined) throw unknownGroup(topic.name, name);
    return group;
  };
  const admin: BrokerAdmin = {
    async topics() {
      checkOpen();
      return Array.from(topics(), ({ name }) => name);
    },
    async groups(topic) {
      checkQuestion("MemoryPubSub.admin.groups", { topic });
      return Array.from(find(topic).groups, ({ name }) => name).filter((name) => name !== undefined);
    },
    async lag(topic, group) {
      checkQuestion("MemoryPubSub.admin.lag", { topic, group });
      const found = find(topic);
      const asked = findGroup(found, group);
      return { messages: asked.load, oldestAt: found.oldestAt(asked) };
    },
    async deleteGroup(topic, group) {
      checkQuestion("MemoryPubSub.admin.deleteGroup", { topic, group });
      const found = find(topic);
      const gone = findGroup(found, group);
      if (gone.inHand > 0) throw groupBusy(topic, group, `its members hold ${gone.inHand} messages`);
      forget(found, gone);
    },
  };
  if (!persistent) return admin;
  return {
    ...admin,
    async seek(topic, group, to) {
      checkQuestion("MemoryPubSub.admin.seek", { topic, group, to });
      new OptionCheck("MemoryPubSub.admin.seek")
        .that(
          typeof to !== "object" || !("position" in to) || /^[1-9]\d*$/.test(to.position),
          "to.position must be the position of a delivery, a whole number from 1",
        )
        .done();
      const found = find(topic);
      const moved = findGroup(found, group);
      if (moved.inHand > 0) throw groupBusy(topic, group, `its members hold ${moved.inHand} messages`);
      found.seek(moved, to);
    },
  };
}
