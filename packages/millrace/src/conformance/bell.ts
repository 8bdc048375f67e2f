import { startTimer, stopTimer } from "../internal/timers.ts";

interface Waiter {
  readonly predicate: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets a test wait for a condition without polling: whatever may change the condition rings, and each ring looks again.
 */
export class Bell {
  readonly #waiters = new Set<Waiter>();
  readonly #shown: (() => string)[] = [];
  #failed = false;
  #failure: unknown;

  /** What everybody who waits in vain is shown. */
  show(teller: () => string): void {
    this.#shown.push(teller);
  }

  ring(): void {
    for (const waiter of [...this.#waiters]) this.#look(waiter);
  }

  /** Everyone who waits now or later is told of this failure at once. */
  fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#failure = error;
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
  }

  /** Resolves when the predicate holds; rejects after `timeoutMs`, saying what was waited for, and how everything is that is shown. */
  until(predicate: () => boolean, what: string, timeoutMs: number): Promise<void> {
    if (this.#failed) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        stopTimer(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        predicate,
        resolve: () => {
          end();
          resolve();
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      const timer = startTimer(() => {
        waiter.reject(new Error(`waited ${timeoutMs} ms in vain until ${what}${this.state}`));
      }, timeoutMs);
      this.#waiters.add(waiter);
      this.#look(waiter);
    });
  }

  /** How everything is that is shown, in brackets. */
  get state(): string {
    return this.#shown.length === 0 ? "" : ` (${this.#shown.map((teller) => teller()).join("; ")})`;
  }

  #look(waiter: Waiter): void {
    try {
      if (waiter.predicate()) waiter.resolve();
    } catch (error) {
      waiter.reject(error);
    }
  }
}
