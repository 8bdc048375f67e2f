import { Claim, type SqlReceipt } from "./claim.ts";
import type { ClaimPart, ClaimReport, Exchanged, Grant } from "./exchange.ts";

/** The claims that one member holds. */
export class HeldClaims {
  #claims: Claim[] = [];

  get size(): number {
    return this.#claims.length;
  }

  /** The database knows all that has become of them. */
  get areTold(): boolean {
    return this.#claims.every(({ isTold }) => isTold);
  }

  /** On the local monotonic clock: until then nobody else may hold any of them. */
  get firstDeadline(): number {
    return this.#claims.reduce((first, { deadline }) => Math.min(first, deadline), Number.POSITIVE_INFINITY);
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

  reports(renewTo: number): readonly ClaimReport[] {
    return this.#claims.map((claim) => claim.report(renewTo));
  }

  /** Those that another member may hold by now, though messages of them are in our hands. */
  expired(now: number): readonly Claim[] {
    return this.#claims.filter((claim) => claim.deadline <= now && claim.held > 0);
  }

  giveUp(): void {
    for (const claim of this.#claims) claim.giveUp();
  }

  /** Takes out those that are another's now. */
  removeLost(ids: readonly number[]): readonly Claim[] {
    const lost = this.#claims.filter(({ id }) => ids.includes(id));
    if (lost.length > 0) this.#claims = this.#claims.filter((claim) => !lost.includes(claim));
    return lost;
  }

  /** Follows what the database made of the reports: it knows them now, has renewed leases and cut claims. */
  follow({ renewed, cut }: Exchanged, reports: readonly ClaimReport[], deadline: number): void {
    for (const { id } of reports) this.#find(id)?.confirm();
    for (const id of renewed) {
      const claim = this.#find(id);
      if (claim !== undefined) claim.deadline = deadline;
    }
    for (const [id, ids] of cut ?? []) {
      const claim = this.#find(id);
      const parts: readonly ClaimPart[] = reports.find((report) => report.id === id)?.parts ?? [];
      const kept = claim?.split(parts, ids) ?? [];
      for (const part of kept) part.deadline = deadline;
      this.#claims = this.#claims.flatMap((each) => (each === claim ? kept : [each]));
    }
  }

  /** The claim that a grant makes or extends. */
  take(grant: Grant, deadline: number): Claim {
    let claim = this.#find(grant.id);
    if (claim === undefined) this.#claims.push((claim = new Claim(grant.id, grant.epoch, grant.after, grant.upto, grant.done)));
    claim.upto = grant.upto;
    claim.deadline = deadline;
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
