const FIRST_SLOTS = 8;
/** For all rings that hold nothing yet; never written to. */
const NO_SLOTS: never[] = [];

/** A double-ended queue on a circular buffer: constant time at both ends, memory from the first item on, which grows by doubling. */
export class Ring<T> {
  #slots: (T | undefined)[] = NO_SLOTS;
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = item;
    this.#size++;
  }

  unshift(item: T): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = item;
    this.#size++;
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const slots = this.#slots;
    const head = this.#head;
    const item = slots[head];
    slots[head] = undefined;
    this.#head = (head + 1) & (slots.length - 1);
    if (--this.#size === 0) this.#giveUp();
    return item;
  }

  peek(): T | undefined {
    return this.#size === 0 ? undefined : this.#slots[this.#head];
  }

  /** The item `index` places behind the head. */
  at(index: number): T | undefined {
    return index < 0 || index >= this.#size ? undefined : this.#slots[(this.#head + index) & (this.#slots.length - 1)];
  }

  /** Takes out those that `which` names; the order of the others stays. */
  takeOut(which: (item: T) => boolean): T[] {
    const taken: T[] = [];
    for (let count = this.#size; count > 0; count--) {
      const item = this.shift() as T;
      if (which(item)) taken.push(item);
      else this.push(item);
    }
    return taken;
  }

  clear(): void {
    this.#slots = NO_SLOTS;
    this.#head = 0;
    this.#size = 0;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let index = 0; index < this.#size; index++) yield this.#slots[(this.#head + index) & (this.#slots.length - 1)] as T;
  }

  /** It is empty: much memory is not kept. */
  #giveUp(): void {
    if (this.#slots.length > 4096) this.clear();
  }

  #grow(): void {
    const old = this.#slots;
    const next: (T | undefined)[] = new Array(old.length * 2 || FIRST_SLOTS);
    for (let index = 0; index < this.#size; index++) next[index] = old[(this.#head + index) & (old.length - 1)];
    this.#slots = next;
    this.#head = 0;
  }
}
