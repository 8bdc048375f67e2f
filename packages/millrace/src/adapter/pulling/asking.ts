import { monotonicMs } from "../../internal/timers.ts";
import { OnceTimer } from "./once-timer.ts";
import type { PullAnswer, PullAnswered, PullEntry, PullTarget } from "./pull-target.ts";

export interface AskingHooks<Entry> {
  /** So many are wanted and not here; 0 while nothing may be asked. */
  missing(): number;
  /** What came. It was asked for at `sinceMs`; `stale`: before something was given back, which comes first. */
  take(entries: readonly Entry[], sinceMs: number, stale: boolean): void;
  onError(error: unknown): void;
}

export interface AskingRules {
  /** After an empty answer the next question begins no sooner than so long after the last. */
  readonly pollMs: number;
  /** How often members' returns are looked for. */
  readonly claimMs: number;
  /** How long a question may wait at the broker. */
  readonly waitMs: number;
}

/** Asks a broker for entries, one question at a time: for what was given back, before anything new, and for what others gave back now and then. */
export class Asking<Entry extends PullEntry, Link> {
  readonly #target: PullTarget<Entry, Link>;
  readonly #link: Link;
  readonly #hooks: AskingHooks<Entry>;
  readonly #rules: AskingRules;
  /** There may be something of our own that was given back: nothing newer is asked for before a claim has come back empty. */
  #returns = true;
  #returnsSoFar = 0;
  #fetching: Promise<void> | true | undefined;
  #claiming: Promise<void> | true | undefined;
  /** The last fetch that was answered brought nothing, and nothing has happened since. */
  #empty = false;
  /** Something has happened since the fetch that is open began. */
  #news = false;
  /** It is not yet time for the next one. */
  #resting = false;
  #stopping = new AbortController();
  readonly #poll: OnceTimer = new OnceTimer();
  readonly #claim: OnceTimer = new OnceTimer();

  constructor(target: PullTarget<Entry, Link>, link: Link, hooks: AskingHooks<Entry>, rules: AskingRules) {
    this.#target = target;
    this.#link = link;
    this.#hooks = hooks;
    this.#rules = rules;
  }

  /** As far as is known without asking. */
  get caughtUp(): boolean {
    return this.#empty && !this.#mayHaveReturns;
  }

  get #mayHaveReturns(): boolean {
    return this.#returns && this.#target.claim !== undefined;
  }

  /** Asks if something is missing. */
  run(): void {
    const missing = this.#hooks.missing();
    if (missing <= 0) return;
    if (this.#mayHaveReturns) this.#askBack(missing);
    else {
      if (this.#target.claim !== undefined) this.#claim.start(this.#rules.claimMs, () => this.#askAround());
      if (this.#fetching === undefined && !this.#resting) this.#fetch(missing);
    }
  }

  /** Something is given back: what was asked for before comes behind it. */
  returning(): void {
    this.#returns = true;
    this.#returnsSoFar++;
  }

  wake(): void {
    this.#poll.stop();
    this.#empty = false;
    this.#news = true;
    this.#resting = false;
    this.run();
  }

  /** Nothing is wanted any more: whoever waits at the broker comes back. */
  pause(): void {
    this.#poll.stop();
    this.#claim.stop();
    this.#resting = false;
    if (this.#fetching === undefined && this.#claiming === undefined) return;
    this.#stopping.abort();
    this.#stopping = new AbortController();
  }

  /** Resolves when no question is open any more. */
  async stop(): Promise<void> {
    this.pause();
    await Promise.all([this.#fetching, this.#claiming]);
  }

  #fetch(count: number): void {
    const { signal } = this.#stopping;
    const { waitMs, pollMs } = this.#rules;
    const sinceMs = monotonicMs();
    this.#news = false;
    this.#fetching = true;
    const answer = this.#answer(
      () => this.#target.fetch?.(this.#link, { count, waitMs, signal }),
      signal,
      (entries) => {
        this.#fetching = undefined;
        this.#empty = entries.length === 0 && !signal.aborted && !this.#news;
        const againMs = sinceMs + pollMs - monotonicMs();
        if (this.#empty && againMs > 0) {
          this.#resting = true;
          this.#poll.start(againMs, () => {
            this.#resting = false;
            this.run();
          });
        }
      },
    );
    if (this.#fetching === true) this.#fetching = answer;
  }

  /** What we gave back ourselves. */
  #askBack(count: number): void {
    if (this.#claiming === undefined) this.#ask(count, (some) => (this.#returns = some));
  }

  /** What others gave back, or left behind: beside a fetch that waits for something new. */
  #askAround(): void {
    const missing = this.#hooks.missing();
    if (missing > 0 && this.#claiming === undefined) this.#ask(missing, () => {});
    else this.run();
  }

  #ask(count: number, then: (some: boolean) => void): void {
    const { signal } = this.#stopping;
    const so = this.#returnsSoFar;
    this.#claiming = true;
    const answer = this.#answer(
      () => this.#target.claim?.(this.#link, { count, signal }),
      signal,
      (entries) => {
        this.#claiming = undefined;
        if (so === this.#returnsSoFar && !signal.aborted) then(entries.length > 0);
      },
    );
    if (this.#claiming === true) this.#claiming = answer;
  }

  /** An answer may be there at once. What ends because nobody wants it any more is no failure. */
  #answer(ask: () => PullAnswer<Entry> | undefined, signal: AbortSignal, onEnd: (entries: readonly Entry[]) => void): Promise<void> | undefined {
    const sinceMs = monotonicMs();
    const so = this.#returnsSoFar;
    const onDone = (entries: readonly Entry[] = NONE): void => {
      onEnd(entries);
      this.#hooks.take(entries, sinceMs, so !== this.#returnsSoFar);
    };
    const onError = (error: unknown): void => {
      if (signal.aborted) onDone();
      else {
        onEnd(NONE);
        this.#hooks.onError(error);
      }
    };
    let answer: PullAnswered<Entry>;
    try {
      answer = ask() as PullAnswered<Entry>;
    } catch (error) {
      onError(error);
      return undefined;
    }
    if (answer instanceof Promise) return answer.then((entries) => onDone(entries ?? NONE), onError);
    onDone(answer ?? NONE);
    return undefined;
  }
}

const NONE: readonly never[] = Object.freeze([]);
