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

/** Makes metadata. A value that is not a string, or that has a lone surrogate, throws a `TypeError` that names its key. */
export function metadata(init?: MetadataInit): Metadata {
  return new TextMap(init);
}

/** Metadata on a `Map` that is made on the first write. */
export class TextMap implements Metadata {
  #entries: Map<string, string> | undefined;
  /** Others have the same entries: whoever writes first makes entries of its own. Most copies are never written to. */
  #shared = false;

  constructor(init?: MetadataInit) {
    if (init === undefined) return;
    if (init instanceof TextMap) {
      this.#entries = init.#entries;
      this.#shared = init.#shared = init.#entries !== undefined;
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
    if (!key.isWellFormed() || !value.isWellFormed()) {
      throw new TypeError(`metadata ${JSON.stringify(key)} must be whole characters, and has a lone surrogate: it would be another text on the wire`);
    }
    this.#own().set(key, value);
    return this;
  }

  has(key: string): boolean {
    return this.#entries?.has(key) ?? false;
  }

  delete(key: string): boolean {
    return this.has(key) && this.#own().delete(key);
  }

  [Symbol.iterator](): Iterator<readonly [string, string]> {
    return this.#entries === undefined ? NOTHING[Symbol.iterator]() : this.#entries[Symbol.iterator]();
  }

  #own(): Map<string, string> {
    if (this.#entries === undefined || this.#shared) this.#entries = new Map(this.#entries);
    this.#shared = false;
    return this.#entries;
  }
}

const NOTHING: readonly (readonly [string, string])[] = Object.freeze([]);
