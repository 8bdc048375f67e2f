import { AttemptBook } from "./attempt-book.ts";
import { HeldClaims } from "./held-claims.ts";
import { ownerName } from "./lease-of.ts";

/** One member of a group, from one link to the next: who it is in the database, and what the database does not know of it yet. */
export class GroupMember {
  readonly owner: string;
  readonly claims: HeldClaims = new HeldClaims();
  readonly attempts: AttemptBook = new AttemptBook();

  constructor(leaseMs: number) {
    this.owner = ownerName(leaseMs);
  }

  /** The database does not know yet what was settled, given back or tried. */
  get hasNews(): boolean {
    return this.attempts.size > 0 || !this.claims.areTold;
  }
}
