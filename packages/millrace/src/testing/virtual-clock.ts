import { MillraceError } from "../errors/index.ts";
import { OptionCheck } from "../options/index.ts";
import { VirtualTimer } from "./virtual-timer.ts";

/** Turns of the event loop in which nothing new was scheduled, after which everything due is taken to have run. */
const CALM_TURNS = 4;
const MOST_TURNS = 100_000;

let active: VirtualClock | undefined;

/**
 * Time that passes only when told to. While installed it replaces `setTimeout`, `setInterval`, `Date` and `performance.now`
 * of this process (Millrace looks them up when it calls them); `setImmediate` stays real and is only counted.
 *
 * Not virtual: `node:timers/promises`, `AbortSignal.timeout`, and everything outside of this process.
 */
export class VirtualClock implements Disposable {
  readonly #timers: Set<VirtualTimer> = new Set();
  readonly #real = { ...globalTimers(), Date: globalThis.Date, now: globalThis.performance.now.bind(globalThis.performance) };
  readonly #ownNow = Object.getOwnPropertyDescriptor(globalThis.performance, "now");
  readonly #startMs: number;
  readonly #startMonotonicMs: number;
  #elapsedMs = 0;
  #ids = 0;
  #scheduled = 0;
  #immediates = 0;

  constructor(start: Date = new Date()) {
    new OptionCheck("VirtualClock").that(start instanceof Date && !Number.isNaN(start.getTime()), "start must be a valid Date").done();
    this.#startMs = start.getTime();
    this.#startMonotonicMs = this.#real.now();
  }

  /** Virtual milliseconds since the epoch. */
  get nowMs(): number {
    return this.#startMs + this.#elapsedMs;
  }

  /** Timers that are waiting. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Puts this clock in place. Throws `CLOCK_ACTIVE` when another one is. */
  install(): this {
    if (active !== undefined) {
      throw new MillraceError("a virtual clock is in place already: dispose the harness that set it before you make another", { code: "CLOCK_ACTIVE" });
    }
    active = this;
    const clock = {
      now: () => this.#elapsedMs,
      cancel: (timer: VirtualTimer) => this.#timers.delete(timer),
      schedule: (timer: VirtualTimer) => this.#add(timer),
    };
    const start =
      (repeats: boolean) =>
      (run: (...args: unknown[]) => void, delayMs?: number, ...args: unknown[]): VirtualTimer =>
        this.#add(new VirtualTimer(clock, ++this.#ids, () => run(...args), Math.max(0, Number(delayMs) || 0), repeats));
    const stop = (timer: unknown): void => {
      if (timer instanceof VirtualTimer) this.#timers.delete(timer);
      else if (typeof timer === "number") for (const known of this.#timers) known.id === timer && this.#timers.delete(known);
      else this.#real.clearTimeout(timer as never);
    };
    const immediate = (run: (...args: unknown[]) => void, ...args: unknown[]): unknown => {
      this.#immediates++;
      return this.#real.setImmediate(() => {
        this.#scheduled++;
        run(...args);
      });
    };
    Object.assign(globalThis, { setTimeout: start(false), setInterval: start(true), clearTimeout: stop, clearInterval: stop, setImmediate: immediate });
    globalThis.Date = virtualDate(this.#real.Date, () => this.nowMs);
    Object.defineProperty(globalThis.performance, "now", { configurable: true, writable: true, value: () => this.#startMonotonicMs + this.#elapsedMs });
    return this;
  }

  /** Puts the real clock back. Timers that still wait never run. */
  uninstall(): void {
    if (active !== this) return;
    active = undefined;
    const { now: _now, ...real } = this.#real;
    Object.assign(globalThis, real);
    if (this.#ownNow === undefined) Reflect.deleteProperty(globalThis.performance, "now");
    else Object.defineProperty(globalThis.performance, "now", this.#ownNow);
    this.#timers.clear();
  }

  [Symbol.dispose](): void {
    this.uninstall();
  }

  /** Lets `ms` pass: runs what is due in order of its time, and lets everything it causes settle in between. */
  async advance(ms: number): Promise<void> {
    new OptionCheck("advance").required("ms", ms).duration("ms", ms).done();
    const until = this.#elapsedMs + ms;
    await this.settle();
    while (await this.next(until - this.#elapsedMs));
    this.#elapsedMs = until;
    await this.settle();
  }

  /** Goes to the next timer due within `withinMs` and runs it; false when there is none. */
  async next(withinMs: number): Promise<boolean> {
    const timer = this.#earliest();
    if (timer === undefined || timer.at > this.#elapsedMs + withinMs) return false;
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.at);
    if (timer.everyMs === undefined) this.#timers.delete(timer);
    else timer.at = this.#elapsedMs + timer.everyMs;
    timer.run();
    await this.settle();
    return true;
  }

  /** Lets promises and immediates run until nothing new is scheduled; no time passes. */
  async settle(): Promise<void> {
    let calm = 0;
    for (let turn = 0; calm < CALM_TURNS && turn < MOST_TURNS; turn++) {
      const before = this.#scheduled + this.#immediates;
      await new Promise<void>((resolve) => void this.#real.setImmediate(resolve));
      calm = this.#scheduled + this.#immediates === before ? calm + 1 : 0;
    }
  }

  #add(timer: VirtualTimer): VirtualTimer {
    this.#scheduled++;
    this.#timers.add(timer);
    return timer;
  }

  #earliest(): VirtualTimer | undefined {
    let earliest: VirtualTimer | undefined;
    for (const timer of this.#timers) if (earliest === undefined || timer.at < earliest.at) earliest = timer;
    return earliest;
  }
}

function globalTimers(): Pick<typeof globalThis, "setTimeout" | "setInterval" | "clearTimeout" | "clearInterval" | "setImmediate"> {
  const { setTimeout, setInterval, clearTimeout, clearInterval, setImmediate } = globalThis;
  return { setTimeout, setInterval, clearTimeout, clearInterval, setImmediate };
}

/** `Date` whose "now" is virtual; everything else, `instanceof` too, is the real one's. */
function virtualDate(real: DateConstructor, now: () => number): DateConstructor {
  return new Proxy(real, {
    construct: (target, args: unknown[], newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    apply: () => new real(now()).toString(),
    get: (target, name, receiver) => (name === "now" ? now : (Reflect.get(target, name, receiver) as unknown)),
  });
}
