const WINDOW_S = 10;

/** Counts, and says how many came per second over the last ten seconds. */
export class Rate {
  total = 0;
  readonly #now: () => number;
  readonly #slots: number[] = new Array<number>(WINDOW_S).fill(0);
  #second: number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#second = Math.floor(now() / 1000);
  }

  count(n = 1): void {
    this.#moveOn();
    this.total += n;
    this.#slots[this.#second % WINDOW_S] = (this.#slots[this.#second % WINDOW_S] ?? 0) + n;
  }

  perSecond(): number {
    this.#moveOn();
    return this.#slots.reduce((sum, n) => sum + n, 0) / WINDOW_S;
  }

  #moveOn(): void {
    const second = Math.floor(this.#now() / 1000);
    for (let passed = Math.max(this.#second + 1, second - WINDOW_S + 1); passed <= second; passed++) this.#slots[passed % WINDOW_S] = 0;
    this.#second = Math.max(this.#second, second);
  }
}
