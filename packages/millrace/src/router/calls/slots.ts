import { Ring } from "../../internal/ring.ts";

/** How many calls of a handler may run at a time. It outlives the handler's runs, as calls can. */
export class Slots {
  readonly #limit: number;
  readonly #waiting: Ring<() => void> = new Ring();
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get free(): boolean {
    return this.#taken < this.#limit;
  }

  take(): void {
    this.#taken++;
  }

  give(): void {
    this.#taken--;
    if (this.#waiting.size > 0) this.#tell();
  }

  #tell(): void {
    while (this.#waiting.size > 0 && this.free) this.#waiting.shift()?.();
  }

  /** Told once when there is a free slot, first come first served; whoever is told takes it or leaves it to the next. */
  whenFree(listener: () => void): void {
    this.#waiting.push(listener);
  }
}
