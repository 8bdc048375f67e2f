import type { StoredRow } from "./dialect.ts";

export interface GroupRef {
  readonly topic: string;
  readonly name: string;
}

/** A member of a group: what it holds carries `owner`. */
export interface MemberRef {
  readonly group: GroupRef;
  readonly owner: string;
}

/** A range of offsets, `after` exclusive and `upto` inclusive, and how far it is settled. */
export interface ClaimPart {
  readonly after: number;
  readonly upto: number;
  /** Everything up to here is settled. */
  readonly settledTo: number;
  /** What else is settled: ranges of offsets as text, `"12,15-20"`. */
  readonly done: string;
  /** Still held by the member; else free for any member. */
  readonly keep: boolean;
}

/** What a member says of one of its claims. More than one part: the claim is cut. */
export interface ClaimReport {
  readonly id: number;
  readonly epoch: number;
  /** Its lease is to be renewed. */
  readonly renew: boolean;
  readonly parts: readonly ClaimPart[];
}

/** What the database remembers of a message that failed or was given back. */
export interface Kept {
  /** The number of its next attempt; 0 forgets all of this. */
  readonly attempt: number;
  /** Not before this moment, in milliseconds since the epoch; 0 for at once. */
  readonly dueMs: number;
}

/** Everything a member of a group tells the log and asks of it at one moment. */
export interface Exchange {
  readonly group: GroupRef;
  /** Unique to one member: what fences every write, together with a claim's epoch. */
  readonly owner: string;
  readonly leaseMs: number;
  /** Every claim the member holds. One it no longer names is free. */
  readonly reports: readonly ClaimReport[];
  /** To be remembered, by offset. */
  readonly attempts: ReadonlyMap<number, Kept>;
  /** Messages wanted. */
  readonly want: number;
  /** How far past the group's first unsettled offset claims may reach. */
  readonly maxGap: number;
}

/** How an exchange is to be made. */
export interface ExchangeCall {
  readonly group: GroupRef;
  /** How long to wait for a busy database. */
  readonly patienceMs: number;
  /** Asked while it waits; throws when there is no point any more. */
  check(): void;
  /**
   * What is to be told and asked, at the moment of the transaction, however long that had to be waited for. Called again when the
   * transaction has to be repeated.
   */
  collect(): Exchange;
}

/** A claim the member now holds, or its old one extended, with what is to be handled in it. */
export interface Grant {
  readonly id: number;
  readonly epoch: number;
  readonly after: number;
  readonly upto: number;
  readonly done: string;
  readonly extends: boolean;
  readonly rows: readonly StoredRow[];
  readonly attempts: ReadonlyMap<number, Kept> | undefined;
}

export interface Exchanged {
  /** Claims that are the member's no more. */
  readonly lost: readonly number[];
  /** Claims whose lease was renewed. */
  readonly renewed: readonly number[];
  /** Claims that were cut: the ids of the parts kept, in order. */
  readonly cut: ReadonlyMap<number, readonly number[]> | undefined;
  readonly grants: readonly Grant[];
  /** There is more to fetch at once. */
  readonly more: boolean;
  /** Why there is nothing to fetch though there may be messages. */
  readonly blocked: string | undefined;
  readonly standing: Standing;
  /** The group's position has moved. */
  readonly moved: boolean;
  /** Members written for Watermill work on the group too, by turns. */
  readonly shared: boolean;
  /** The numbers of the log have begun anew, and the group with them: everything that was held is lost. */
  readonly begunAnew: boolean;
}

/** How far a group has come, as a member sees it who counts by itself what it holds. */
export interface Standing {
  /** The last offset that any member has claimed. */
  readonly claimedTo: number;
  /** Messages up to there that are not settled and that this member does not hold. */
  readonly unsettled: number;
  /** When the group's oldest unsettled message entered the log (RFC 3339); `undefined` where this member holds it, or there is none. */
  readonly oldestAt: string | undefined;
}
