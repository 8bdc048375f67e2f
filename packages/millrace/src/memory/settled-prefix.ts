const NO_WORDS = new Uint32Array(0);
const FIRST_WORDS = 8;
const ALL = 0xffff_ffff;

/**
 * Which messages of a topic a group has settled, by their offsets: all up to `to`, and one bit for each place behind it. In order
 * of the offsets it costs a comparison; out of order a bit, however much is settled behind one message that is not.
 */
export class SettledPrefix {
  #to: number;
  /** Settled beyond `to + 1`. */
  #ahead = 0;
  /** The offset that the first bit stands for. Bits of what `to` covers are 0. */
  #from: number;
  #words: Uint32Array = NO_WORDS;

  constructor(to: number) {
    this.#to = to;
    this.#from = to + 1;
  }

  /** Everything up to here is settled. */
  get to(): number {
    return this.#to;
  }

  add(offset: number): void {
    if (offset !== this.#to + 1) {
      this.#mark(offset);
      return;
    }
    this.#to = offset;
    if (this.#ahead > 0) this.#advance();
  }

  #mark(offset: number): void {
    if (offset <= this.#to) return;
    if (this.#ahead === 0) this.#from = this.#to + 1; // no bit is set
    if ((offset - this.#from) >>> 5 >= this.#words.length) this.#makeRoom(offset);
    const at = offset - this.#from;
    const word = this.#words[at >>> 5] as number;
    const bit = 1 << (at & 31);
    if ((word & bit) !== 0) return;
    this.#words[at >>> 5] = word | bit;
    this.#ahead++;
  }

  #advance(): void {
    for (let at = this.#to + 1 - this.#from; this.#ahead > 0; at = this.#to + 1 - this.#from) {
      const index = at >>> 5;
      const word = this.#words[index] as number;
      if ((at & 31) === 0 && word === ALL) {
        this.#words[index] = 0;
        this.#to += 32;
        this.#ahead -= 32;
        continue;
      }
      const bit = 1 << (at & 31);
      if ((word & bit) === 0) return;
      this.#words[index] = word & ~bit;
      this.#to++;
      this.#ahead--;
    }
  }

  /** Drops the words of what is settled; if that does not give room for half as much again, takes more. */
  #makeRoom(offset: number): void {
    const passed = (this.#to + 1 - this.#from) >>> 5;
    const old = this.#words.subarray(passed);
    this.#from += passed * 32;
    const needed = ((offset - this.#from) >>> 5) + 1;
    let length = Math.max(this.#words.length, FIRST_WORDS);
    while (length * 2 < needed * 3) length *= 2;
    this.#words = new Uint32Array(length);
    this.#words.set(old);
  }
}
