/** What a virtual clock hands out for a timer; as much of Node's timer object as callers use. */
export class VirtualTimer {
  /** Virtual milliseconds at which it is due. */
  at: number;
  readonly id: number;
  readonly everyMs: number | undefined;
  readonly run: () => void;
  readonly #clock: { now(): number; cancel(timer: VirtualTimer): void; schedule(timer: VirtualTimer): void };
  readonly #delayMs: number;

  constructor(
    clock: { now(): number; cancel(timer: VirtualTimer): void; schedule(timer: VirtualTimer): void },
    id: number,
    run: () => void,
    delayMs: number,
    repeats: boolean,
  ) {
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.id = id;
    this.run = run;
    this.everyMs = repeats ? Math.max(1, delayMs) : undefined;
    this.at = clock.now() + delayMs;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return false;
  }

  refresh(): this {
    this.at = this.#clock.now() + this.#delayMs;
    this.#clock.schedule(this);
    return this;
  }

  close(): this {
    this.#clock.cancel(this);
    return this;
  }

  [Symbol.toPrimitive](): number {
    return this.id;
  }

  [Symbol.dispose](): void {
    this.#clock.cancel(this);
  }
}
