/** How many acks were given lately. */
export class RecentAcks {
  readonly #spanMs: number;
  readonly #samples: { readonly atMs: number; readonly acks: number }[] = [];

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  /** So many acks were given until now. */
  note(atMs: number, acks: number): void {
    const samples = this.#samples;
    samples.push({ atMs, acks });
    // One sample at least as old as the span stays.
    while (samples[1] !== undefined && samples[1].atMs <= atMs - this.#spanMs) samples.shift();
  }

  get count(): number {
    return (this.#samples.at(-1)?.acks ?? 0) - (this.#samples[0]?.acks ?? 0);
  }
}
