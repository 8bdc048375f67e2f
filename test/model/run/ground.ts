import { VirtualClock } from "millrace/testing";
import type { Ledger } from "../ledger/ledger.ts";
import type { Luck } from "./world.ts";

const LOOSE_ENDS = ["unhandledRejection", "uncaughtException"] as const;

/** A process for one program: time of its own, luck that is known beforehand, and an ear for what nobody catches. */
export class Ground implements Disposable {
  readonly clock: VirtualClock;
  readonly luck: Luck = { next: undefined };
  readonly #start: number;
  readonly #random: () => number = Math.random;
  readonly #others: readonly (readonly [(typeof LOOSE_ENDS)[number], readonly ((error: unknown) => void)[]])[];
  #ledger: Ledger | undefined;

  constructor() {
    this.clock = new VirtualClock(new Date("2026-01-01T00:00:00Z")).install();
    this.#start = this.clock.nowMs;
    // The same in every run, to the last digit: which of two timers is first may hang on it.
    const origin = performance.now();
    const virtual = performance.now;
    Object.defineProperty(performance, "now", { configurable: true, writable: true, value: () => Math.round((virtual() - origin) * 1e6) / 1e6 });
    // Three quarters of every jitter; a layer that draws lots is told beforehand what it draws.
    Math.random = () => {
      const drawn = this.luck.next ?? 0.75;
      this.luck.next = undefined;
      return drawn;
    };
    this.#others = LOOSE_ENDS.map((name) => [name, process.listeners(name as never) as ((error: unknown) => void)[]]);
    for (const name of LOOSE_ENDS) process.removeAllListeners(name).on(name, this.#hear);
  }

  get nowMs(): number {
    return this.clock.nowMs - this.#start;
  }

  listenFor(ledger: Ledger): void {
    this.#ledger = ledger;
  }

  [Symbol.dispose](): void {
    for (const [name, listeners] of this.#others) {
      process.removeAllListeners(name);
      for (const listener of listeners) process.on(name, listener);
    }
    Math.random = this.#random;
    this.clock.uninstall();
  }

  readonly #hear = (error: unknown): void => {
    this.#ledger?.complain("unhandled", error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  };
}
