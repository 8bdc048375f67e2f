import type { Standing } from "../exchange.ts";
import { type ClaimRow, claimsAt, unsettledIn } from "./claim-row.ts";
import type { TopicStatements } from "./topic-statements.ts";

/** How far a group has come whose position is `acked`, but for what `owner` holds. */
export function standingOf(topic: TopicStatements, acked: number, rows: readonly ClaimRow[], owner: string): Standing {
  const claims = claimsAt(acked, rows);
  let unsettled = 0;
  for (const claim of claims) if (claim.owner !== owner) unsettled += unsettledIn(claim);
  // The first unsettled message is the first one past the position; a member knows by itself when that is its own.
  const head = claims.find(({ settledTo, upto }) => settledTo < upto);
  const first = head?.owner === owner ? undefined : (topic.first.get(acked) as [offset: number, createdAt: string] | undefined);
  // Nothing is claimed: what was purged between the position and the first message is no backlog.
  const claimedTo = claims.at(-1)?.upto ?? (first === undefined ? Math.max(acked, topic.end) : first[0] - 1);
  return { claimedTo, unsettled, oldestAt: first?.[1] };
}
