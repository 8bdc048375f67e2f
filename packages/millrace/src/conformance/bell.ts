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
  #failed = false;
  #failure: unknown;

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

  /** Resolves when the predicate holds; rejects after `timeoutMs`, saying what was waited for and what `shown` says then. */
  until(predicate: () => boolean, what: string, timeoutMs: number, shown?: () => string): Promise<void> {
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
        waiter.reject(new Error(`waited ${timeoutMs} ms in vain until ${what}${shown === undefined ? "" : ` (${shown()})`}`));
      }, timeoutMs);
      this.#waiters.add(waiter);
      this.#look(waiter);
    });
  }

  #look(waiter: Waiter): void {
    try {
      if (waiter.predicate()) waiter.resolve();
    } catch (error) {
      waiter.reject(error);
    }
  }
}
