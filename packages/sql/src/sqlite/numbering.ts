import { monotonicMs } from "millrace/adapter";
import type { GroupRef } from "../exchange.ts";
import type { Connection } from "./connection.ts";
import type { TopicStatements } from "./topic-statements.ts";

/** How often a group that moves on has it written down how far the log reached. */
const WRITE_MS = 1_000;

/**
 * Notices when the numbers of a log begin anew, because somebody emptied its table together with its counter, or made it again:
 * groups would wait for numbers that come much later, and step over everything until then. Each group has two things written
 * down: the end of the log, which never comes back, and one message of it, which keeps its number.
 */
export class Numbering {
  /** By group: each has to notice by itself. */
  readonly #ends: Map<string, number> = new Map();
  readonly #written: Map<string, number> = new Map();

  /**
   * Sees to it, inside a write transaction, that the group stands in the log as it is now, whose end is `end`. True when its numbers have begun
   * anew: the group does so too.
   */
  check(connection: Connection, topic: TopicStatements, group: GroupRef, end: number): boolean {
    const before = this.#ends.get(key(group));
    return before !== undefined && end < before && this.checkFully(connection, topic, group);
  }

  /** The transaction is committed: one that was rolled back has noticed nothing. */
  checked(group: GroupRef, end: number): void {
    this.#ends.set(key(group), end);
  }

  /** As `check`, also against what other processes have written down. */
  checkFully(connection: Connection, topic: TopicStatements, group: GroupRef): boolean {
    const [id, seenEnd, witness] = (connection
      .statement("SELECT id, seen_end, witness FROM millrace_groups WHERE topic = ? AND consumer_group = ?")
      .get(group.topic, group.name) ?? [0, 0, null]) as [id: number, seenEnd: number, witness: string | null];
    if (topic.lastOffset >= seenEnd && !contradicts(topic, witness)) return false;
    topic.savePosition.run(0, 0, group.name);
    connection.statement("DELETE FROM millrace_claims WHERE group_id = ?").run(id);
    connection.statement("DELETE FROM millrace_attempts WHERE group_id = ?").run(id);
    connection.statement("UPDATE millrace_groups SET locked_until = 0, seen_end = 0, witness = NULL WHERE id = ?").run(id);
    this.#written.delete(key(group));
    return true;
  }

  /** Writes down where the log is, in a transaction that moves the group anyway, and seldom. */
  note(connection: Connection, topic: TopicStatements, group: GroupRef): void {
    const last = this.#written.get(key(group));
    if (last !== undefined && monotonicMs() - last < WRITE_MS) return;
    this.#written.set(key(group), monotonicMs());
    const [acked] = topic.position.get(group.name) as [number];
    const witness = topic.witness(acked);
    connection
      .statement("UPDATE millrace_groups SET seen_end = ?, witness = coalesce(?, witness) WHERE topic = ? AND consumer_group = ?")
      .run(topic.lastOffset, witness === undefined ? null : JSON.stringify([acked, witness]), group.topic, group.name);
  }
}

function contradicts(topic: TopicStatements, witness: string | null): boolean {
  if (witness === null) return false;
  const [offset, text] = JSON.parse(witness) as [number, string];
  const found = topic.witness(offset);
  return found !== undefined && found !== text;
}

function key({ topic, name }: GroupRef): string {
  return `${topic}\n${name}`;
}
