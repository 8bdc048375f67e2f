import { MillraceError, PublishError, type PublishOutcome } from "millrace";

/** One call of `publish`: what became of each of its messages, and whom to tell when the last one is decided. */
export class PublishJob {
  readonly deadline: number;
  /** Bytes that it takes of the room for what waits. */
  bytes = 0;
  readonly #outcomes: (PublishOutcome | undefined)[];
  readonly #done: (error?: PublishError) => void;
  #left: number;
  #error: unknown;

  constructor(count: number, deadline: number, done: (error?: PublishError) => void) {
    this.#outcomes = new Array(count);
    this.#left = count;
    this.deadline = deadline;
    this.#done = done;
  }

  /** Something of it failed: nothing more of it is to be sent. */
  get failed(): boolean {
    return this.#error !== undefined;
  }

  get decided(): boolean {
    return this.#left === 0;
  }

  /** Message `from` and the `count` − 1 behind it are decided. */
  decide(from: number, count: number, outcome: PublishOutcome, error?: unknown): void {
    for (let index = from; index < from + count; index++) {
      if (this.#outcomes[index] !== undefined) continue;
      this.#outcomes[index] = outcome;
      this.#left--;
    }
    if (outcome !== "confirmed") this.#error ??= error;
    if (this.#left > 0) return;
    this.#done(this.#error === undefined ? undefined : publishError(this.#error, this.#outcomes as PublishOutcome[]));
  }
}

/** A `PublishError` with the code of what caused it. */
export function publishError(cause: unknown, outcomes: readonly PublishOutcome[]): PublishError {
  const known = MillraceError.is(cause) ? cause : undefined;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new PublishError(text, { code: known?.code ?? "KAFKA_ERROR", retryable: known?.retryable ?? true, cause, outcomes });
}

/** Nothing was sent. */
export function refusal(cause: unknown, count: number): PublishError {
  return publishError(cause, new Array<PublishOutcome>(count).fill("rejected"));
}
