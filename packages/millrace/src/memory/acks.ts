import { type Deferred, quietDeferred } from "../internal/deferred.ts";

/** Counts, for one publish, the acks that every group owes which its messages were put before. */
export class Acks {
  readonly #done: Deferred<void> = quietDeferred();
  #left: number;
  #refused = false;

  constructor(messages: number) {
    this.#left = messages; // one for each that is not put anywhere yet
  }

  /** Resolves when all have come; rejects when they are not waited for any more. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** The publisher was, or will be, told that all is well. */
  get confirmed(): boolean {
    return this.#left === 0 && !this.#refused;
  }

  /** One message was put before so many groups. */
  put(groups: number): void {
    this.#left += groups;
    this.take();
  }

  /** A group has acked a message, or will never do so. */
  take(): void {
    this.#left--;
    if (this.#left === 0) this.#done.resolve();
  }

  /** The publisher is told that it is not known. */
  refuse(reason: unknown): void {
    if (this.#left === 0) return;
    this.#refused = true;
    this.#done.reject(reason);
  }
}
