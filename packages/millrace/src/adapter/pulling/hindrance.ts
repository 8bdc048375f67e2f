/** What holds a source up, as health shows it: one thing at a time, the group's trouble before that of leases, and of one entry. */
export class Hindrance {
  readonly #show: (detail: string | undefined) => void;
  readonly #details: (string | undefined)[] = [];
  #shown: string | undefined;

  constructor(show: (detail: string | undefined) => void) {
    this.#show = show;
  }

  /** What the adapter says. `undefined`: it is over. */
  group(detail: string | undefined): void {
    this.#set(0, detail);
  }

  leases(detail: string | undefined): void {
    this.#set(1, detail);
  }

  entry(detail: string | undefined): void {
    this.#set(2, detail);
  }

  /** There is another link: what the adapter said of the last one is over. */
  relinked(): void {
    this.#details[0] = undefined;
  }

  /** Whoever shows it has forgotten. */
  again(): void {
    this.#shown = undefined;
    this.#tell();
  }

  #set(place: number, detail: string | undefined): void {
    this.#details[place] = detail;
    this.#tell();
  }

  #tell(): void {
    const detail = this.#details.find((known) => known !== undefined);
    if (detail === this.#shown) return;
    this.#shown = detail;
    this.#show(detail);
  }
}
