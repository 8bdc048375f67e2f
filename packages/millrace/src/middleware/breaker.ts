import { monotonicMs } from "../internal/timers.ts";

export type BreakerState = "closed" | "half-open" | "open";

/** What a breaker has seen since it last changed state, or since its interval began. */
export interface BreakerCounts {
  readonly requests: number;
  readonly successes: number;
  readonly failures: number;
  readonly consecutiveSuccesses: number;
  readonly consecutiveFailures: number;
}

export interface BreakerSettings {
  readonly maxRequests: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly readyToTrip: (counts: BreakerCounts) => boolean;
  readonly onStateChange: (from: BreakerState, to: BreakerState) => void;
}

/** A call that was let through. */
export interface Passage {
  /** The call that decides whether a half-open breaker closes. */
  readonly probes: boolean;
  /** How it went; `undefined` when it tells nothing, neither success nor failure: as if it had never been let through. Only the first time counts. */
  end(success: boolean | undefined): void;
}

const NOTHING: BreakerCounts = Object.freeze({ requests: 0, successes: 0, failures: 0, consecutiveSuccesses: 0, consecutiveFailures: 0 });

/**
 * The states of a circuit breaker (Nygard, "Release It!"; semantics of sony/gobreaker). No timer runs: time is looked at when
 * a call comes. A result counts only in the generation in which its call was let through, so a call that began before the
 * breaker opened cannot close it.
 */
export class Breaker {
  readonly #settings: BreakerSettings;
  #state: BreakerState = "closed";
  #generation = 0;
  #counts: BreakerCounts = NOTHING;
  #sinceMs = monotonicMs();
  #expiresAt: number;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
    this.#expiresAt = this.#closedUntil();
  }

  /** Lets a call through, or says why not. */
  enter(): Passage | "open" | "too-many" {
    this.#look();
    if (this.#state === "open") return "open";
    if (this.#state === "half-open" && this.#counts.requests >= this.#settings.maxRequests) return "too-many";
    this.#counts = { ...this.#counts, requests: this.#counts.requests + 1 };
    const generation = this.#generation;
    let ended = false;
    return {
      probes: this.#state === "half-open",
      end: (success) => {
        if (ended) return;
        ended = true;
        this.#leave(generation, success);
      },
    };
  }

  /** Milliseconds until an open breaker lets a call through; 0 when it is not open. */
  opensInMs(): number {
    return this.#state === "open" ? Math.max(0, this.#expiresAt - monotonicMs()) : 0;
  }

  /** Milliseconds for which it has been in its state. */
  stateForMs(): number {
    return monotonicMs() - this.#sinceMs;
  }

  #leave(generation: number, success: boolean | undefined): void {
    this.#look();
    if (generation !== this.#generation) return;
    const { requests, successes, failures, consecutiveSuccesses, consecutiveFailures } = this.#counts;
    if (success === undefined) {
      this.#counts = { ...this.#counts, requests: requests - 1 };
    } else if (success) {
      this.#counts = { requests, successes: successes + 1, failures, consecutiveSuccesses: consecutiveSuccesses + 1, consecutiveFailures: 0 };
      if (this.#state === "half-open" && this.#counts.consecutiveSuccesses >= this.#settings.maxRequests) this.#become("closed");
    } else {
      this.#counts = { requests, successes, failures: failures + 1, consecutiveSuccesses: 0, consecutiveFailures: consecutiveFailures + 1 };
      if (this.#state === "half-open" || this.#settings.readyToTrip(this.#counts)) this.#become("open");
    }
  }

  #look(): void {
    if (monotonicMs() < this.#expiresAt) return;
    if (this.#state === "open") this.#become("half-open");
    else this.#renew(this.#closedUntil());
  }

  #become(state: BreakerState): void {
    const from = this.#state;
    this.#state = state;
    this.#sinceMs = monotonicMs();
    this.#renew(state === "open" ? this.#sinceMs + this.#settings.timeoutMs : state === "closed" ? this.#closedUntil() : Infinity);
    this.#settings.onStateChange(from, state);
  }

  #renew(expiresAt: number): void {
    this.#generation++;
    this.#counts = NOTHING;
    this.#expiresAt = expiresAt;
  }

  #closedUntil(): number {
    return this.#settings.intervalMs === 0 ? Infinity : monotonicMs() + this.#settings.intervalMs;
  }
}
