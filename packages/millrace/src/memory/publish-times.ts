/** With so many marks every second one is dropped: the times of a long backlog are coarser, not more. */
const MOST_MARKS = 1024;

/** When the messages of a topic were published, as marks along their offsets, so that not every message needs to be at hand to tell. */
export class PublishTimes {
  #offsets: number[] = [];
  #times: number[] = [];
  #stepMs = 1;

  get size(): number {
    return this.#times.length;
  }

  /** The message at `offset`, and those after it, were published at `ms`. Nobody will ask for what lies before `oldest`. */
  mark(offset: number, ms: number, oldest: number): void {
    const last = this.#times.at(-1);
    if (last !== undefined && Math.abs(ms - last) < this.#stepMs) return;
    const passed = this.#indexOf(oldest);
    if (passed > 0) {
      this.#offsets.splice(0, passed);
      this.#times.splice(0, passed);
    }
    this.#offsets.push(offset);
    this.#times.push(ms);
    if (this.#times.length >= MOST_MARKS) this.#thin();
    else if (this.#times.length < MOST_MARKS / 4) this.#stepMs = 1;
  }

  /** When the message at `offset` was published, or a little earlier. */
  at(offset: number): number | undefined {
    return this.#times[Math.max(this.#indexOf(offset), 0)];
  }

  /** The last mark at or before `offset`. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #thin(): void {
    const ages = (this.#times.at(-1) as number) - (this.#times[0] as number);
    this.#offsets = this.#offsets.filter((_offset, index) => index % 2 === 0);
    this.#times = this.#times.filter((_time, index) => index % 2 === 0);
    this.#stepMs = Math.max(1, Math.ceil(Math.abs(ages) / this.#times.length));
  }
}
