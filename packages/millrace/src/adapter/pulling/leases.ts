import { monotonicMs, startTimer, stopTimer, type TimerHandle } from "../../internal/timers.ts";
import { Lot } from "./lot.ts";
import type { PullEntry } from "./pull-target.ts";

export interface LeaseHooks<Entry> {
  /** Nobody renewed these in time: they may be another's. */
  onExpired(entries: readonly Entry[]): void;
  /** Begins these leases anew, or rejects; `undefined` while there is no link. Answers what was lost already. */
  renew(entries: readonly Entry[]): Promise<readonly Entry[]> | undefined;
  /** All but `lost` are ours for another lease, or need none. */
  onRenewed(lost: readonly Entry[]): void;
  onTrouble(error: unknown): void;
}

/** After a renewal that failed, at most. */
const RETRY_MS = 1000;

/**
 * The entries that are ours, and for how long: what was not settled when a third of its lease is over is renewed, and what was not renewed
 * in time is lost at that moment, whether there is a link or not.
 */
export class Leases<Entry extends PullEntry> {
  readonly #ms: number;
  readonly #hooks: LeaseHooks<Entry>;
  readonly #lots: Set<Lot> = new Set();
  #timer: TimerHandle | undefined;
  #lookMs = Infinity;
  /** The broker was asked to renew these, and has not answered. */
  #renewing: readonly Lot[] | undefined;
  /** Not before this moment. */
  #renewMs = 0;

  constructor(ms: number, hooks: LeaseHooks<Entry>) {
    this.#ms = ms;
    this.#hooks = hooks;
  }

  /** Their lease began at `sinceMs`. False when it is over already. */
  add(entries: readonly Entry[], sinceMs: number): boolean {
    const untilMs = sinceMs + this.#ms;
    if (untilMs <= monotonicMs()) return false;
    if (entries.length === 0) return true;
    this.#lots.add(new Lot(entries, untilMs));
    this.#lookBy(this.#dueMs(untilMs));
    return true;
  }

  /** It is ours no more. False when it was not. */
  drop(entry: Entry): boolean {
    const { lot } = entry;
    if (lot === undefined) return false;
    if (lot.drop(entry)) this.#lots.delete(lot);
    return true;
  }

  holds({ lot }: Entry): boolean {
    return lot !== undefined && (lot.untilMs === Infinity || monotonicMs() < lot.untilMs);
  }

  /** All that is ours. */
  all(): Entry[] {
    return [...this.#lots].flatMap((lot) => lot.ours()) as Entry[];
  }

  /** There is a link again: what could not be renewed without one may be due. */
  look(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
    this.#lookMs = Infinity;
    const now = monotonicMs();
    this.#expire(now);
    // An answer about nothing that is still ours may never come.
    if (this.#renewing !== undefined && !this.#has(this.#renewing)) this.#renewing = undefined;
    const waits = this.#renewing !== undefined || (now >= this.#renewMs && this.#renew(now));
    for (const { untilMs } of this.#lots) this.#lookBy(waits ? untilMs : Math.min(untilMs, Math.max(this.#dueMs(untilMs), this.#renewMs)));
  }

  stop(): void {
    for (const entry of this.all()) this.drop(entry);
    stopTimer(this.#timer);
    this.#timer = undefined;
  }

  /** A lease that ends at `untilMs` is to be renewed from then on. */
  #dueMs(untilMs: number): number {
    return this.#ms === Infinity ? Infinity : untilMs - (this.#ms * 2) / 3;
  }

  #lookBy(atMs: number): void {
    if (atMs >= this.#lookMs) return;
    stopTimer(this.#timer);
    this.#lookMs = atMs;
    this.#timer = startTimer(() => this.look(), Math.ceil(Math.max(0, atMs - monotonicMs())));
  }

  #expire(now: number): void {
    const over = [...this.#lots].filter(({ untilMs }) => untilMs <= now);
    const expired = over.flatMap((lot) => lot.ours()) as Entry[];
    if (expired.length > 0) this.#hooks.onExpired(expired);
  }

  /** Renews what is due. True when nothing can be renewed before something else happens: an answer comes, or a link. */
  #renew(now: number): boolean {
    const lots = [...this.#lots].filter(({ untilMs }) => this.#dueMs(untilMs) <= now);
    if (lots.length === 0) {
      this.#hooks.onRenewed([]); // what could not be renewed need not be any more
      return false;
    }
    const answer = this.#hooks.renew(lots.flatMap((lot) => lot.ours()) as Entry[]);
    if (answer === undefined) return true;
    this.#renewing = lots;
    answer
      .then(
        (lost) => {
          for (const lot of lots) lot.untilMs = now + this.#ms;
          this.#hooks.onRenewed(lost);
        },
        (error: unknown) => {
          this.#renewMs = monotonicMs() + this.#retryMs;
          if (this.#has(lots)) this.#hooks.onTrouble(error);
        },
      )
      .finally(() => {
        if (this.#renewing === lots) this.#renewing = undefined;
        this.look();
      });
    return true;
  }

  /** Some of it is still ours. */
  #has(lots: readonly Lot[]): boolean {
    return lots.some((lot) => this.#lots.has(lot));
  }

  get #retryMs(): number {
    return Math.min(RETRY_MS, this.#ms / 10);
  }
}
