import { AttemptBook } from "./attempt-book.ts";
import type { Claim } from "./claim.ts";
import { HeldClaims } from "./held-claims.ts";
import { ownerName } from "./lease-of.ts";

/** One member of a group, from one session to the next: who it is in the database, and what the database does not know of it yet. */
export class GroupMember {
  readonly owner: string;
  readonly claims: HeldClaims = new HeldClaims();
  readonly attempts: AttemptBook = new AttemptBook();
  /** Messages handed to the subscription and not settled. */
  outstanding = 0;
  readonly #expired: Set<Claim> = new Set();

  constructor(leaseMs: number) {
    this.owner = ownerName(leaseMs);
  }

  /** The database does not know yet what was settled, given back or tried. */
  get hasNews(): boolean {
    return this.attempts.size > 0 || !this.claims.areTold;
  }

  /** Gives up what another member may hold by now: it is not taken up again, whoever holds it. */
  giveUpExpired(now: number): void {
    for (const claim of this.claims.expired(now)) {
      this.giveUp(claim);
      this.#expired.add(claim);
    }
  }

  giveUp(claim: Claim): void {
    this.outstanding -= claim.giveUp();
  }

  /** Hands over what has expired since it was asked for last, if anything has. */
  takeExpired(): ReadonlySet<Claim> | undefined {
    if (this.#expired.size === 0) return undefined;
    const expired = new Set(this.#expired);
    this.#expired.clear();
    return expired;
  }
}
