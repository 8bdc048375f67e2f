import { type BrokerAdmin, type From, OptionError } from "millrace";
import { timeOf } from "./delivery.ts";
import type { LogAdmin } from "./dialect.ts";
import type { GroupRef } from "./exchange.ts";
import { isPlace } from "./is-place.ts";

export interface SqlAdminRules {
  readonly log: LogAdmin;
  groupName(topic: string, group: string): string;
  /** Names in the database are not those in `subscribe`: it cannot be told what it would call its groups. */
  readonly renamed: boolean;
}

/**
 * What tools ask of the log. `topics` is left out where table names are made by a function, `groups` where those of groups are.
 * A message whose delay is not over is not in the log yet, and not counted.
 */
export function sqlAdmin({ log, groupName, renamed }: SqlAdminRules): BrokerAdmin {
  const groupOf = (topic: string, group: string): GroupRef => ({ topic, name: groupName(topic, group) });
  const { topics } = log;
  return {
    ...(topics === undefined ? {} : { topics: async () => await topics() }),
    ...(renamed ? {} : { groups: async (topic: string) => await log.groups(topic) }),
    async lag(topic, group) {
      const { messages, oldestAt } = await log.lag(groupOf(topic, group));
      return { messages, oldestAt: oldestAt === undefined ? undefined : timeOf(oldestAt) };
    },
    async seek(topic: string, group: string, to: From) {
      if (!isPlace(to)) throw new OptionError("SqlSubscriber.admin.seek", ["to: { position } must be an offset, a whole number from 1, as text"]);
      await log.seek(groupOf(topic, group), to);
    },
    async deleteGroup(topic, group) {
      await log.deleteGroup(groupOf(topic, group));
    },
  };
}
