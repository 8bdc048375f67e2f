import { SQL_DEFAULTS } from "./options.ts";

/**
 * A new name for the owner of claims. It says how long a claim is his without a renewal, since members of one group may have been
 * given different leases, and all of them must know.
 */
export function ownerName(leaseMs: number): string {
  return `${globalThis.crypto.randomUUID()}/${leaseMs}`;
}

/** How long a claim of this owner holds without a renewal, in milliseconds. */
export function leaseOf(owner: string): number {
  const leaseMs = Number(owner.split("/")[1]);
  return leaseMs > 0 ? leaseMs : SQL_DEFAULTS.leaseMs;
}
