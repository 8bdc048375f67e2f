import { MillraceError } from "millrace";
import type { GroupRef } from "../exchange.ts";
import type { Connection } from "./connection.ts";
import type { TopicStatements } from "./topic-statements.ts";
import { Turns } from "./turns.ts";

/** What Watermill's table and ours say of a group. */
export interface GroupRow {
  readonly id: number;
  /** Everything up to this offset is settled. */
  readonly acked: number;
  /** Watermill's lock, in seconds since the epoch. */
  readonly lock: number;
  /** What our members wrote into it last. */
  readonly ourLock: number;
  readonly turns: string | null;
}

/** Throws `GROUP_GONE`. */
export function loadGroup(connection: Connection, topic: TopicStatements, group: GroupRef): GroupRow {
  const position = topic.position.get(group.name) as [number, number] | undefined;
  const own = connection.statement("SELECT id, locked_until, turns FROM millrace_groups WHERE topic = ? AND consumer_group = ?").get(group.topic, group.name) as
    | [number, number, string | null]
    | undefined;
  if (position === undefined || own === undefined) {
    throw new MillraceError(`group ${JSON.stringify(group.name)} of topic ${JSON.stringify(group.topic)} was deleted from the database`, {
      code: "GROUP_GONE",
      retryable: true,
    });
  }
  return { id: own[0], acked: position[0], lock: position[1], ourLock: own[1], turns: own[2] };
}

/** Enters a group of Watermill's table into ours, where it is not. `acked`: where it stands, if it was in Watermill's before: others have worked on it. */
export function enterGroup(connection: Connection, { topic, name }: GroupRef, acked: number | undefined, now: number): void {
  const turns = new Turns(null, now);
  if (acked !== undefined) turns.seen(acked);
  connection.statement("INSERT OR IGNORE INTO millrace_groups (topic, consumer_group, turns) VALUES (?, ?, ?)").run(topic, name, turns.news ?? null);
}
