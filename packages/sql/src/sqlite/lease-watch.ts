import { monotonicMs, wallMs } from "millrace/adapter";
import { leaseOf } from "../lease-of.ts";
import type { ClaimRow } from "./claim-row.ts";

/** What is looked at of a claim. */
export type Lease = Pick<ClaimRow, "id" | "epoch" | "leaseUntil"> & { readonly owner: string };

interface Sight {
  readonly epoch: number;
  readonly leaseUntil: number;
  /** When it was first seen like this, on the monotonic clock. */
  readonly sinceMs: number;
  /** It was seen to change: its owner was alive then. */
  readonly changed: boolean;
}

/**
 * Tells whose leases are over, by a clock that cannot go back: every renewal changes the claim, and a claim that has not changed
 * for the length of its lease, counted by this process's own monotonic clock since it first saw it so, is anybody's. What the
 * clocks on the wall say, of this moment or of another machine's, decides nothing.
 */
export class LeaseWatch {
  readonly #sights: Map<number, Sight> = new Map();

  /** `"over"`: it is anybody's. `"held"`: its owner lives. `"open"`: it has not been watched for long enough. */
  look({ id, epoch, leaseUntil, owner }: Lease): "over" | "held" | "open" {
    const now = monotonicMs();
    const sight = this.#sights.get(id);
    if (sight === undefined || sight.epoch !== epoch || sight.leaseUntil !== leaseUntil) {
      this.#sights.set(id, { epoch, leaseUntil, sinceMs: now, changed: sight !== undefined });
      return sight === undefined ? "open" : "held";
    }
    if (now - sight.sinceMs >= leaseOf(owner)) return "over";
    return sight.changed ? "held" : "open";
  }

  /** As `look`, for questions whose answer moves nothing: at first sight the time in the claim is believed, where it can be true. */
  guess(lease: Lease): "over" | "held" | "open" {
    const seen = this.look(lease);
    if (seen !== "open") return seen;
    const leftMs = lease.leaseUntil - wallMs();
    return leftMs >= 0 && leftMs <= leaseOf(lease.owner) ? "held" : "open";
  }

  /** Forgets the claims that are not there any more. */
  keep(ids: ReadonlySet<number>): void {
    for (const id of this.#sights.keys()) if (!ids.has(id)) this.#sights.delete(id);
  }
}
