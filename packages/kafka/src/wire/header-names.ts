/** How many names are remembered, each at the place that its length gives it. */
const PLACES = 32;

/** Names of headers repeat from record to record: those seen last are known by their bytes, which is cheaper than to decode them again. */
export class HeaderNames {
  readonly #bytes: Uint8Array[] = [];
  readonly #texts: string[] = [];

  read(data: Buffer, from: number, to: number): string {
    if (to <= from) return "";
    const place = (to - from) % PLACES;
    const known = this.#bytes[place];
    if (known !== undefined && isAt(known, data, from, to)) return this.#texts[place] as string;
    const text = data.toString(undefined, from, to);
    // What is long is rarely a name that repeats, and is not to be kept.
    if (to - from < PLACES) {
      this.#bytes[place] = Uint8Array.prototype.slice.call(data, from, to);
      this.#texts[place] = text;
    }
    return text;
  }
}

/** Whether exactly these bytes are at that place. */
export function isAt(bytes: Uint8Array, data: Uint8Array, from: number, to: number): boolean {
  if (to - from !== bytes.length) return false;
  for (let index = 0; index < bytes.length; index++) if (bytes[index] !== data[from + index]) return false;
  return true;
}
