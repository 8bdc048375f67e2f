import { Ring } from "millrace/adapter";

interface Place {
  readonly bytes: number;
  enter(): void;
  left: boolean;
  entered: boolean;
}

/** Room for what waits to be confirmed. Who finds none waits, first come first served. */
export class Room {
  readonly #most: number;
  readonly #waiting: Ring<Place> = new Ring();
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes room if there is some now. One alone may be of any size. */
  take(bytes: number): boolean {
    if (this.#waiting.size > 0 || (this.#taken > 0 && this.#taken + bytes > this.#most)) return false;
    this.#taken += bytes;
    return true;
  }

  /** Resolves when room was taken. `leave` gives the place in the queue up. */
  wait(bytes: number): { readonly entered: Promise<void>; leave(): void } {
    let enter = (): void => {};
    const entered = new Promise<void>((resolve) => {
      enter = resolve;
    });
    const place: Place = { bytes, enter, left: false, entered: false };
    this.#waiting.push(place);
    return {
      entered,
      leave: () => {
        place.left = true;
        if (place.entered) this.release(bytes);
        else this.#admit();
      },
    };
  }

  release(bytes: number): void {
    this.#taken -= bytes;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (!next.left && this.#taken > 0 && this.#taken + next.bytes > this.#most) return;
      this.#waiting.shift();
      if (next.left) continue;
      this.#taken += next.bytes;
      next.entered = true;
      next.enter();
    }
  }
}
