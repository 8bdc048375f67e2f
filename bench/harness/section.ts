import type { Bench } from "./bench.ts";

export interface Table {
  readonly caption?: string | undefined;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A figure that was set as the mark to reach. */
export interface Goal {
  readonly text: string;
  readonly reached: boolean;
}

/** What a part has to tell. */
export interface Section {
  /** Counts, sizes, settings: one line each. */
  readonly conditions: readonly string[];
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
}

export interface Part {
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<Section>;
}
