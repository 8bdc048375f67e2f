const OPEN = 0;
const DONE = 1;
const TOLD = 2;

/**
 * Which deliveries of a channel are settled, and what the broker was told. Tags count from 1 without gaps; acks leave as one
 * `multiple` for the settled run at the beginning, and one by one beyond the first open delivery.
 */
export class AckLedger {
  #states = new Uint8Array(64);
  /** The first tag that the broker was not told of. */
  #first = 1;
  #next = 1;
  #open = 0;
  #done: number[] = [];
  /** Deliveries from here on are charged to the consumer there is. */
  #mark = 1;
  #charged = 0;

  /** Deliveries without a verdict. */
  get open(): number {
    return this.#open;
  }

  /** Deliveries that the broker counts as unacknowledged. */
  get untold(): number {
    return this.#open + this.#done.length;
  }

  /** Deliveries without a verdict since the last `mark`. */
  get charged(): number {
    return this.#charged;
  }

  /** A new consumer begins: what was delivered before is not charged to it. */
  mark(): void {
    this.#mark = this.#next;
    this.#charged = 0;
  }

  /** The next tag was delivered. */
  deliver(tag: number): void {
    if (tag - this.#first >= this.#states.length) this.#grow();
    this.#states[tag & (this.#states.length - 1)] = OPEN;
    this.#next = tag + 1;
    this.#open++;
    this.#charged++;
  }

  /** Done: the broker is told at the next `flush`. False when the tag was settled before. */
  ack(tag: number): boolean {
    if (!this.#isOpen(tag)) return false;
    this.#states[tag & (this.#states.length - 1)] = DONE;
    this.#done.push(tag);
    this.#open--;
    if (tag >= this.#mark) this.#charged--;
    return true;
  }

  /** The broker is told in another way: it gets the message back. False when the tag was settled before. */
  take(tag: number): boolean {
    if (!this.#isOpen(tag)) return false;
    this.#states[tag & (this.#states.length - 1)] = TOLD;
    this.#open--;
    if (tag >= this.#mark) this.#charged--;
    return true;
  }

  /** Tells of everything that is done: `send(tag, multiple)`. */
  flush(send: (tag: number, multiple: boolean) => void): void {
    const done = this.#done;
    if (done.length === 0) {
      this.#forget();
      return;
    }
    const mask = this.#states.length - 1;
    let last = 0;
    let count = 0;
    let tag = this.#first;
    for (; tag < this.#next && this.#states[tag & mask] !== OPEN; tag++) {
      if (this.#states[tag & mask] === DONE) {
        // A tag that is not outstanding any more would be an error of ours, with all that is outstanding taken as acked.
        last = tag;
        count++;
      }
    }
    this.#first = tag;
    if (count > 0) send(last, count > 1);
    if (count < done.length) {
      for (const each of done) {
        if (each < tag) continue;
        this.#states[each & mask] = TOLD;
        send(each, false);
      }
    }
    this.#done = [];
  }

  #isOpen(tag: number): boolean {
    return tag >= this.#first && tag < this.#next && this.#states[tag & (this.#states.length - 1)] === OPEN;
  }

  #forget(): void {
    const mask = this.#states.length - 1;
    while (this.#first < this.#next && this.#states[this.#first & mask] === TOLD) this.#first++;
  }

  #grow(): void {
    this.#forget();
    if (this.#next - this.#first < this.#states.length) return;
    const old = this.#states;
    const states = new Uint8Array(old.length * 2);
    for (let tag = this.#first; tag < this.#next; tag++) states[tag & (states.length - 1)] = old[tag & (old.length - 1)] as number;
    this.#states = states;
  }
}
