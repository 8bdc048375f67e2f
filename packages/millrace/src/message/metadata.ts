/**
 * Text about a message that travels beside its payload: string keys to string values, in order of first setting.
 * Every broker carries it; Watermill reads and writes the same.
 */
export interface Metadata extends Iterable<readonly [string, string]> {
  readonly size: number;
  get(key: string): string | undefined;
  set(key: string, value: string): this;
  has(key: string): boolean;
  delete(key: string): boolean;
}

/** Anything that metadata can be made from: other metadata, a `Map`, pairs, or a plain object. */
export type MetadataInit = Metadata | Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

/** Makes metadata. A value that is not a string throws a `TypeError` that names its key. */
export function metadata(init?: MetadataInit): Metadata {
  return new TextMap(init);
}

/** Metadata on a `Map` that is made on the first write. */
export class TextMap implements Metadata {
  #entries: Map<string, string> | undefined;

  constructor(init?: MetadataInit) {
    if (init === undefined) return;
    if (init instanceof TextMap) {
      if (init.#entries !== undefined) this.#entries = new Map(init.#entries);
      return;
    }
    const pairs = Symbol.iterator in init ? (init as Iterable<readonly [string, string]>) : Object.entries(init);
    for (const [key, value] of pairs) this.set(key, value);
  }

  get size(): number {
    return this.#entries === undefined ? 0 : this.#entries.size;
  }

  get(key: string): string | undefined {
    return this.#entries?.get(key);
  }

  set(key: string, value: string): this {
    if (typeof key !== "string" || typeof value !== "string") {
      throw new TypeError(`metadata ${JSON.stringify(String(key))} must be a string, got ${typeof value}`);
    }
    this.#entries ??= new Map();
    this.#entries.set(key, value);
    return this;
  }

  has(key: string): boolean {
    return this.#entries?.has(key) ?? false;
  }

  delete(key: string): boolean {
    return this.#entries?.delete(key) ?? false;
  }

  [Symbol.iterator](): Iterator<readonly [string, string]> {
    return this.#entries === undefined ? NOTHING[Symbol.iterator]() : this.#entries[Symbol.iterator]();
  }
}

const NOTHING: readonly (readonly [string, string])[] = Object.freeze([]);
