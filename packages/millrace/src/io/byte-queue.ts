const SMALLEST = 64 * 1024;

/** Bytes in, bytes out. What was taken out is never overwritten; a long record costs linear time, however small the chunks. */
export class ByteQueue {
  #data: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  #offset: number;

  constructor(offset: number) {
    this.#offset = offset;
  }

  get length(): number {
    return this.#to - this.#from;
  }

  /** Offset, in the whole input, of the first byte in here. */
  get offset(): number {
    return this.#offset;
  }

  push(chunk: Uint8Array): void {
    const held = this.length;
    if (held === 0) {
      this.#data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      this.#from = 0;
      this.#to = chunk.length;
      return;
    }
    if (this.#to + chunk.length > this.#data.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(SMALLEST, (held + chunk.length) * 2));
      this.#data.copy(larger, 0, this.#from, this.#to);
      this.#data = larger;
      this.#from = 0;
      this.#to = held;
    }
    this.#data.set(chunk, this.#to);
    this.#to += chunk.length;
  }

  /** Place of the first `bytes` at or behind place `from`; -1 when they are not here. */
  indexOf(bytes: Uint8Array, from: number): number {
    const at = this.#data.subarray(0, this.#to).indexOf(bytes, this.#from + from);
    return at === -1 ? -1 : at - this.#from;
  }

  /** A number of `size` bytes at the front, which stays there. */
  number(size: number, littleEndian: boolean): number {
    return littleEndian ? this.#data.readUIntLE(this.#from, size) : this.#data.readUIntBE(this.#from, size);
  }

  /** A copy of at most `count` bytes at the front, which stay there. */
  peek(count: number): Uint8Array {
    return new Uint8Array(this.#data.subarray(this.#from, Math.min(this.#to, this.#from + count)));
  }

  take(count: number): Uint8Array {
    const taken = new Uint8Array(this.#data.buffer, this.#data.byteOffset + this.#from, count);
    this.skip(count);
    return taken;
  }

  skip(count: number): void {
    this.#from += count;
    this.#offset += count;
  }
}
