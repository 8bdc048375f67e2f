import { Ring } from "../../internal/ring.ts";

/** How many calls of a handler may run at a time. It outlives the handler's runs, as calls can. */
export class Slots {
  readonly #limit: number;
  readonly #waiting: Ring<() => void> = new Ring();
  /** The first of those who wait, who is mostly the only one. */
  #first: (() => void) | undefined;
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
    while (this.#first !== undefined && this.free) {
      const told = this.#first;
      this.#first = this.#waiting.shift();
      told();
    }
  }

  /** Told once when there is a free slot, first come first served; whoever is told takes it or leaves it to the next. */
  whenFree(listener: () => void): void {
    if (this.#first === undefined) this.#first = listener;
    else this.#waiting.push(listener);
  }
}
