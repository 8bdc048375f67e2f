/** Lets a bounded number of calls be under way. */
export class UnderWay {
  readonly #most: number;
  #count = 0;
  #error: unknown;
  #wake: (() => void) | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts a call until it ends. Answers with a promise when the next one has to wait. */
  add(call: Promise<void>): Promise<void> | undefined {
    this.#count++;
    call.then(
      () => this.#ended(undefined),
      (error: unknown) => this.#ended(error),
    );
    return this.#count < this.#most ? undefined : this.#until(() => this.#count < this.#most);
  }

  /** Resolves when all have ended; rejects when one has failed. */
  done(): Promise<void> {
    return this.#until(() => this.#count === 0);
  }

  async #until(reached: () => boolean): Promise<void> {
    while (this.#error === undefined && !reached())
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#error !== undefined) throw this.#error;
  }

  #ended(error: unknown): void {
    this.#count--;
    this.#error ??= error;
    this.#wake?.();
    this.#wake = undefined;
  }
}
