import { Claim, type SqlReceipt } from "./claim.ts";
import type { ClaimPart, ClaimReport, Exchanged, Grant } from "./exchange.ts";

/** The claims that one member holds. */
export class HeldClaims {
  #claims: Claim[] = [];

  /** The database knows all that has become of them. */
  get areTold(): boolean {
    return this.#claims.every(({ isTold }) => isTold);
  }

  /** Messages in them that are neither settled nor given back. */
  get held(): number {
    let count = 0;
    for (const claim of this.#claims) count += claim.held;
    return count;
  }

  /** Messages in them that are not settled. */
  get unsettled(): number {
    let count = 0;
    for (const claim of this.#claims) count += claim.unsettled;
    return count;
  }

  /** The first of those. */
  get oldest(): SqlReceipt | undefined {
    let oldest: SqlReceipt | undefined;
    for (const claim of this.#claims) {
      const first = claim.oldest;
      if (first !== undefined && first.offset < (oldest?.offset ?? Number.POSITIVE_INFINITY)) oldest = first;
    }
    return oldest;
  }

  /** `renewing`: their leases are to be renewed. */
  reports(renewing: ReadonlySet<Claim>): readonly ClaimReport[] {
    return this.#claims.map((claim) => claim.report(renewing.has(claim)));
  }

  /** Takes out those that are another's now. */
  removeLost(ids: readonly number[]): readonly Claim[] {
    const lost = this.#claims.filter(({ id }) => ids.includes(id));
    if (lost.length > 0) this.#claims = this.#claims.filter((claim) => !lost.includes(claim));
    return lost;
  }

  /** Follows what the database made of the reports: it knows them now, and has cut claims. */
  follow({ cut }: Exchanged, reports: readonly ClaimReport[]): void {
    for (const { id } of reports) this.#find(id)?.confirm();
    for (const [id, ids] of cut ?? []) {
      const claim = this.#find(id);
      const parts: readonly ClaimPart[] = reports.find((report) => report.id === id)?.parts ?? [];
      const kept = claim?.split(parts, ids) ?? [];
      this.#claims = this.#claims.flatMap((each) => (each === claim ? kept : [each]));
    }
  }

  /** The claim that a grant makes or extends. */
  take(grant: Grant): Claim {
    let claim = this.#find(grant.id);
    if (claim === undefined) this.#claims.push((claim = new Claim(grant.id, grant.epoch, grant.after, grant.upto, grant.done)));
    claim.upto = grant.upto;
    return claim;
  }

  /** What is settled from end to end, and known as such, is the group's affair now. */
  dropSettled(except: readonly Claim[]): void {
    this.#claims = this.#claims.filter((claim) => !claim.isSettled || !claim.isTold || except.includes(claim));
  }

  #find(id: number): Claim | undefined {
    return this.#claims.find((claim) => claim.id === id);
  }
}
