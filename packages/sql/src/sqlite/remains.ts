import type { MemberRef } from "../exchange.ts";
import type { Connection } from "./connection.ts";
import type { LeaseWatch } from "./lease-watch.ts";
import { lastOffset } from "./locate.ts";
import type { TopicTables } from "./tables.ts";

/** Whether anything is left that a member of a group, or a reading that is at `after`, could fetch now, or once it is sure that nobody has it. */
export function remains(connection: Connection, tables: TopicTables, member: MemberRef | undefined, after: number, leases: LeaseWatch): boolean {
  if (connection.statement(`SELECT 1 FROM ${tables.messages} WHERE offset > ? LIMIT 1`).get(after) !== undefined)
    return member !== undefined || after < lastOffset(connection, tables);
  if (member === undefined) return false;
  const { group, owner } = member;
  const claims = connection
    .statement(
      "SELECT millrace_claims.id, owner, epoch, lease_until FROM millrace_claims JOIN millrace_groups ON millrace_groups.id = group_id WHERE topic = ? AND consumer_group = ? AND settled_to < upto_offset AND owner IS NOT ?",
    )
    .all(group.topic, group.name, owner) as [id: number, owner: string | null, epoch: number, leaseUntil: number][];
  return claims.some(([id, other, epoch, leaseUntil]) => other === null || leases.guess({ id, owner: other, epoch, leaseUntil }) !== "held");
}
