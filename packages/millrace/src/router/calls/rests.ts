import type { RestOptions } from "../../message/in-hand.ts";
import type { Desk } from "./desk.ts";

/** The waits of a call during which nothing of its message runs: see `HandlerCall.rest`. */
export class Rests {
  readonly #listeners: Set<() => void> = new Set();
  #count = 0;

  /** Time limits stand still. */
  get any(): boolean {
    return this.#count > 0;
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  change(by: 1 | -1): void {
    this.#count += by;
    if (this.#count === (by === 1 ? 1 : 0)) for (const listener of [...this.#listeners]) listener();
  }

  async during<T>(desk: Desk, run: (signal: AbortSignal) => Promise<T>, { counts = false, finishes = false }: RestOptions = {}): Promise<T> {
    const controller = new AbortController();
    const leave = finishes ? undefined : desk.rests(controller);
    if (!counts) this.change(1);
    try {
      return await run(controller.signal);
    } finally {
      leave?.();
      if (!counts) this.change(-1);
    }
  }
}
