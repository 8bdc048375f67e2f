/** Lets some pass at once, and holds others up until it is opened. */
export class Gate {
  #holds = 0;
  #held: (() => void)[] = [];

  /** The next one is held. */
  hold(): void {
    this.#holds++;
  }

  get holding(): boolean {
    return this.#held.length > 0;
  }

  async pass(): Promise<void> {
    if (this.#holds === 0) return;
    this.#holds--;
    await new Promise<void>((resolve) => void this.#held.push(resolve));
  }

  open(): void {
    this.#holds = 0;
    const held = this.#held;
    this.#held = [];
    for (const go of held) go();
  }
}
