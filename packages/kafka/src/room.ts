/** Room for what waits to be confirmed. Who finds none waits, first come first served. */
export class Room {
  readonly #most: number;
  readonly #waiting: { readonly bytes: number; enter(): void }[] = [];
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes room if there is some now. One alone may be of any size. */
  take(bytes: number): boolean {
    if (this.#waiting.length > 0 || (this.#taken > 0 && this.#taken + bytes > this.#most)) return false;
    this.#taken += bytes;
    return true;
  }

  /** Resolves when room was taken. `leave` gives the place in the queue up. */
  wait(bytes: number): { readonly entered: Promise<void>; leave(): void } {
    let enter = (): void => {};
    const entered = new Promise<void>((resolve) => {
      enter = resolve;
    });
    const place = { bytes, enter };
    this.#waiting.push(place);
    return {
      entered,
      leave: () => {
        const index = this.#waiting.indexOf(place);
        if (index >= 0) this.#waiting.splice(index, 1);
        this.#admit();
      },
    };
  }

  release(bytes: number): void {
    this.#taken -= bytes;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && (this.#taken === 0 || this.#taken + next.bytes <= this.#most); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#taken += next.bytes;
      next.enter();
    }
  }
}
