import type { From, Logger } from "millrace";
import type { GroupRef } from "./exchange.ts";

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
