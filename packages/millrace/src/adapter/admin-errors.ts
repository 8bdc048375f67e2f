import { MillraceError } from "../errors/index.ts";

/** The broker has no such topic, and asking makes none. */
export function unknownTopic(topic: string): MillraceError {
  return new MillraceError(`there is no topic ${JSON.stringify(topic)}`, { code: "UNKNOWN_TOPIC" });
}

/** The group has no position in the topic, and asking gives it none. */
export function unknownGroup(topic: string, group: string): MillraceError {
  return new MillraceError(`topic ${JSON.stringify(topic)} has no group ${JSON.stringify(group)}`, { code: "UNKNOWN_GROUP" });
}

/** Members of the group are at work. `why` tells what they do, where that is known. */
export function groupBusy(topic: string, group: string, why = "it has members"): MillraceError {
  return new MillraceError(`group ${JSON.stringify(group)} of topic ${JSON.stringify(topic)} is busy: ${why}`, { code: "GROUP_BUSY", retryable: true });
}
