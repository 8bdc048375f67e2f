import type { From, Logger } from "millrace";
import type { Exchanged, GroupRef } from "./exchange.ts";

export interface GroupRules {
  readonly group: GroupRef;
  readonly from: From;
  readonly leaseMs: number;
  readonly maxGap: number;
  /** Its calls never throw. */
  readonly logger: Logger;
}

/** Somebody emptied the topic's table together with its counter, or made it again. */
export function tellBegunAnew({ group, logger }: GroupRules): void {
  logger.error(
    { topic: group.topic, group: group.name },
    "the numbers of the topic's messages have begun anew, so the group begins with its first message again",
  );
}

const toldShared: WeakSet<GroupRules> = new WeakSet();

/** Tells what came of an exchange and whoever runs the group should know. */
export function tellNews(rules: GroupRules, { begunAnew, shared }: Exchanged): void {
  if (begunAnew) tellBegunAnew(rules);
  if (!shared || toldShared.has(rules)) return;
  toldShared.add(rules);
  rules.logger.warn(
    { topic: rules.group.topic, group: rules.group.name },
    "members written for Watermill work on this group too: it is handled by one kind at a time, by turns of seconds; a group of their own is faster",
  );
}
