import type { Figures } from "./case.ts";
import { median } from "./quantile.ts";

/** The figures of all runs of one case, by round. */
export class Samples {
  readonly #runs: Figures[] = [];

  add(figures: Figures): void {
    this.#runs.push(figures);
  }

  /** One figure in every round. */
  all(name: string): readonly number[] {
    return this.#runs.map((figures) => {
      const value = figures[name];
      if (value === undefined) throw new Error(`no figure is named ${JSON.stringify(name)}: there are ${Object.keys(figures).join(", ")}`);
      return value;
    });
  }

  median(name: string): number {
    return median(this.all(name));
  }

  worst(name: string): number {
    return Math.max(...this.all(name));
  }

  /** Half of the distance between the best and the worst run, in parts of the median. */
  spread(name: string): number {
    const all = this.all(name);
    return (Math.max(...all) - Math.min(...all)) / 2 / this.median(name);
  }

  /** The median of the ratios of each round: what slows the machine for a while slows both, and cancels out. */
  over(other: Samples, name: string): number {
    const others = other.all(name);
    return median(this.all(name).map((value, round) => value / (others[round] as number)));
  }
}
