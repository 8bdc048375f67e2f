import type { Act, Program } from "../plan/program.ts";
import type { Release } from "../run/world.ts";

const FINE: Act = {};

/** What the handlers do: for each message and handler one act after the other, then nothing special any more; nor at the end. */
export class ActBook {
  readonly #acts: Map<string, readonly Act[]> = new Map();
  readonly #used: Map<string, number> = new Map();

  readonly #release: Release;

  constructor(program: Program, release: Release) {
    this.#release = release;
    for (const step of program.steps) {
      if (step.do === "publish") for (const { text, acts } of step.messages) if (acts !== undefined) this.#acts.set(text, acts);
    }
  }

  next(handler: string, text: string): Act {
    const acts = this.#acts.get(text) ?? this.#acts.get(text.split(".")[0] as string);
    if (acts === undefined || this.#release.calm) return FINE;
    const place = `${handler} ${text}`;
    const used = this.#used.get(place) ?? 0;
    this.#used.set(place, used + 1);
    return acts[used] ?? FINE;
  }
}
