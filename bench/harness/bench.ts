import type { Call, Figures } from "./case.ts";
import { inChild } from "./in-child.ts";
import { Samples } from "./samples.ts";

/** How a part runs its cases. */
export class Bench {
  readonly quick: boolean;
  readonly runs: number;
  readonly #onRun: (done: number, of: number) => void;

  constructor(quick: boolean, onRun: (done: number, of: number) => void) {
    this.quick = quick;
    this.runs = quick ? 2 : 5;
    this.#onRun = onRun;
  }

  /** A count for a run in earnest, and a smaller one to see that all works. */
  count(full: number, quick: number): number {
    return this.quick ? quick : full;
  }

  /** Runs every call once, then every call again, and so on: what disturbs the machine for a while disturbs all of them. */
  async rounds<Name extends string>(calls: Readonly<Record<Name, Call>>): Promise<Readonly<Record<Name, Samples>>> {
    const names = Object.keys(calls) as Name[];
    const samples = Object.fromEntries(names.map((name) => [name, new Samples()])) as Record<Name, Samples>;
    let done = 0;
    for (let round = 0; round < this.runs; round++) {
      for (const name of names) {
        samples[name].add(await inChild(calls[name]));
        this.#onRun(++done, names.length * this.runs);
      }
    }
    return samples;
  }

  /** Runs a call once, for figures that do not depend on time. */
  counted(one: Call): Promise<Figures> {
    return inChild(one);
  }
}
