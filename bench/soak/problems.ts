const MOST_SHOWN = 12;

/** What went wrong in a soak: the first ones in full, all of them counted. */
export class Problems {
  readonly shown: string[] = [];
  count = 0;

  add(text: string): void {
    this.count++;
    if (this.shown.length < MOST_SHOWN) this.shown.push(text);
  }
}
