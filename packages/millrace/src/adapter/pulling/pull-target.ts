import type { Delivery, MaybePromise } from "../../message/index.ts";
import type { Received } from "../received.ts";
import type { Settlement, UndecodableRecord } from "../source.ts";
import type { Lot } from "./lot.ts";

/** What the adapter gets of its broker: its own object, made anew for each delivery, with room for what the `PullSource` notes on it. */
export interface PullEntry {
  /** Not to be touched: `undefined` while it is not ours. */
  lot?: Lot | undefined;
}

/** Changes what is asked for; all of it may be ignored where a broker does not know it. */
export interface PullAsk {
  /** Most entries that are wanted. More may come: they wait here. */
  readonly count: number;
  /** How long to wait at the broker when it has none, in milliseconds. */
  readonly waitMs: number;
  /** Aborts when nothing is wanted any more. */
  readonly signal: AbortSignal;
}

/** The answers: what came, or what turned out to be lost; nothing for none. */
export type PullAnswer<Entry> = MaybePromise<readonly Entry[]> | MaybePromise<void>;
/** As they are read. */
export type PullAnswered<Entry> = MaybePromise<readonly Entry[] | undefined>;

/** How an adapter reaches a broker of which messages are asked for, for a `PullSource`. One of `fetch` and `want` is needed. */
export interface PullTarget<Entry extends PullEntry, Link> {
  /**
   * Connects, declares, joins. Resolves when messages published from now on will not be missed. Called again, with backoff, after a
   * failure; an error that is not `retryable` ends the subscription.
   */
  connect(desk: PullDesk<Entry>, signal: AbortSignal): MaybePromise<Link>;
  /**
   * The link is needed no more, also when it is broken: what it has not answered by then of verdicts and renewals is asked of the next one. With
   * `final` the subscription ends: nothing of it is in hand any more.
   */
  disconnect(link: Link, final: boolean): MaybePromise<void>;

  /** New entries, in order. None: the broker has none at present. A rejection ends the link. */
  fetch?(link: Link, ask: PullAsk): PullAnswer<Entry>;
  /**
   * Entries that members gave back, or left behind when they died, oldest first. Asked before `fetch` whenever there may be some of our
   * own, and twice a second while messages are wanted. Leave it out where `fetch` brings these first.
   */
  claim?(link: Link, ask: Omit<PullAsk, "waitMs">): PullAnswer<Entry>;
  /**
   * For brokers that send by themselves, or along with other answers: so many are wanted now, none with 0 (`desk.wanted` says it at any
   * time). They come through `desk.take`.
   */
  want?(link: Link, count: number): void;

  /**
   * Makes verdicts durable, in the order given; answers the entries of those that were another's already. Rejecting means that none of
   * them is: they are offered again. With `final` what cannot be made durable is named by rejecting with a `SettleError`.
   */
  settle(link: Link, verdicts: readonly Settlement<Entry>[], final: boolean): PullAnswer<Entry>;
  /**
   * Gives back what was not handled, oldest first, but maybe older than what went back before: any member may have it now. A rejection ends the
   * link; the next one is asked again.
   */
  release(link: Link, messages: readonly Received<Entry>[]): MaybePromise<void>;
  /** For brokers that lend entries for a time. */
  readonly lease?: PullLease<Entry, Link> | undefined;
  /** These are not ours any more: their lease ran out, or the broker said so. For adapters that keep books of their own. */
  onLost?(entries: readonly Entry[]): void;

  /** A new message of the entry, with the entry as its receipt. Throws for bytes that are not ours. */
  receive(entry: Entry): Received<Entry>;
  /** What is said of an entry that cannot be decoded, and goes to the dead letter. What it throws counts as a dead letter that failed. */
  raw(entry: Entry): Omit<UndecodableRecord, "error">;
  /** Fields of `message.delivery` that only the adapter knows. */
  describe?(message: Received<Entry>): Partial<Delivery>;
  /** True when nothing is left to fetch. Default: the last question brought nothing. */
  caughtUp?(link: Link): MaybePromise<boolean>;
  /** See `Session.lag` and `Session.oldestAt`. */
  lag?(link: Link): number | undefined;
  oldestAt?(link: Link): Date | undefined;
}

export interface PullLease<Entry, Link> {
  /** How long the broker keeps an entry for us without a renewal, in milliseconds. Give the subscription the same `leaseMs`. */
  readonly ms: number;
  /** Begins the leases anew; answers the entries that were another's already. After a rejection it is tried again until they are over. */
  renew(link: Link, entries: readonly Entry[]): PullAnswer<Entry>;
}

/** What a link calls. All but `take` and `lose` is ignored once the link has ended. */
export interface PullDesk<Entry> {
  /** Entries that are wanted and have not come. */
  readonly wanted: number;
  /**
   * Entries that are ours: delivered and without a durable verdict, or waiting here. For a broker that can be told at the beginning of a
   * link: what else it lent to us was in an answer that never came.
   */
  ours(): readonly Entry[];
  /**
   * Entries that came unasked, or with another answer. `sinceMs`: when their lease began at the earliest, on the monotonic clock; default
   * now. What comes when all is over is passed to `onLost` at once.
   */
  take(entries: readonly Entry[], sinceMs?: number): void;
  /** These may be another's. */
  lose(entries: readonly Entry[]): void;
  /** There may be something to fetch: the next question is asked at once. */
  wake(): void;
  /** Something holds the group up that health should show; `undefined` when it is over. */
  blocked(detail: string | undefined): void;
  /** The link is broken: another is connected, with backoff. What is ours stays ours. */
  lost(error: unknown): void;
}
