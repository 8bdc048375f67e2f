import { startTimer } from "millrace/adapter";
import type { Parcel } from "./parcel.ts";

/** A member as its group sees it. */
export interface Taker {
  wanted: number;
  take(parcel: Parcel): void;
}

/** The messages of a topic for one group, and its members, who are dealt to in turn. */
export class LossyGroup {
  readonly #waiting: Parcel[] = [];
  readonly #takers: Taker[] = [];
  #turn = 0;
  #later = 0;
  /** Lost ones are on their way back: nothing is dealt past them. */
  #barred = 0;
  #dealing = false;

  /** Nothing is left here, now or later. */
  get empty(): boolean {
    return this.#waiting.length === 0 && this.#later === 0;
  }

  join(taker: Taker): void {
    this.#takers.push(taker);
  }

  leave(taker: Taker): void {
    const place = this.#takers.indexOf(taker);
    if (place !== -1) this.#takers.splice(place, 1);
  }

  /** In the order of the topic, whenever they come. */
  add(parcels: readonly Parcel[]): void {
    this.#waiting.push(...parcels);
    this.#waiting.sort((one, other) => one.offset - other.offset);
    this.deal();
  }

  /** The same after a while, all at once; `barring` lets nothing pass meanwhile, so that the order holds. */
  addLater(parcels: readonly Parcel[], delayMs: number, barring: boolean): void {
    if (delayMs <= 0) {
      this.add(parcels);
      return;
    }
    this.#later++;
    if (barring) this.#barred++;
    startTimer(() => {
      this.#later--;
      if (barring) this.#barred--;
      this.add(parcels);
    }, delayMs);
  }

  /** Deals nothing while `work` runs. */
  barDuring(work: () => void): void {
    this.#barred++;
    work();
    this.#barred--;
    this.deal();
  }

  deal(): void {
    if (this.#dealing || this.#barred > 0) return; // delivering asks for more
    this.#dealing = true;
    for (let idle = 0; this.#waiting.length > 0 && idle < this.#takers.length; ) {
      this.#turn = (this.#turn + 1) % this.#takers.length;
      const taker = this.#takers[this.#turn] as Taker;
      if (taker.wanted <= 0) {
        idle++;
        continue;
      }
      idle = 0;
      taker.wanted--; // first: delivering may ask for more
      taker.take(this.#waiting.shift() as Parcel);
    }
    this.#dealing = false;
  }
}
