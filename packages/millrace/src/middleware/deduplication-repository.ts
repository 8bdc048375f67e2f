import { monotonicMs } from "../internal/timers.ts";
import type { MaybePromise } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";

/** Remembers keys for a while. An implementation over a store that several processes share removes duplicates across them. */
export interface DeduplicationRepository {
  /** Whether the key was recorded and has not expired. */
  has(key: string): MaybePromise<boolean>;
  /** Called once the work for the key is done. Recording a key again renews it. */
  record(key: string): MaybePromise<void>;
}

export interface MemoryDeduplicationOptions {
  /** How long a key is remembered. Default 60,000. */
  readonly windowMs?: number | undefined;
  /** Above this number the oldest keys are forgotten early. Default 1,000,000. */
  readonly maxKeys?: number | undefined;
}

export const DEDUPLICATION_DEFAULTS: { readonly windowMs: number; readonly maxKeys: number } = Object.freeze({ windowMs: 60_000, maxKeys: 1_000_000 });

/**
 * Keys in memory, for one process. No timer runs: expired keys leave when others come, and a look-up never finds one.
 *
 * ```ts
 * import { deduplicator, MemoryDeduplicationRepository } from "millrace/middleware";
 * router.addMiddleware(deduplicator({ repository: new MemoryDeduplicationRepository({ windowMs: 600_000 }) }));
 * ```
 */
export class MemoryDeduplicationRepository implements DeduplicationRepository {
  readonly #windowMs: number;
  readonly #maxKeys: number;
  /** Key to the moment it expires. All keys live equally long, so the order of insertion is the order of expiry. */
  readonly #expiry = new Map<string, number>();

  constructor(options: MemoryDeduplicationOptions = {}) {
    const check = new OptionCheck("MemoryDeduplicationRepository").known(options, { windowMs: true, maxKeys: true });
    this.#windowMs = options.windowMs ?? DEDUPLICATION_DEFAULTS.windowMs;
    this.#maxKeys = options.maxKeys ?? DEDUPLICATION_DEFAULTS.maxKeys;
    check.duration("windowMs", this.#windowMs, { min: 1 }).integer("maxKeys", this.#maxKeys, { min: 1 }).done();
  }

  /** Keys held now. */
  get size(): number {
    this.#sweep();
    return this.#expiry.size;
  }

  has(key: string): boolean {
    const expiresAt = this.#expiry.get(key);
    return expiresAt !== undefined && expiresAt > monotonicMs();
  }

  record(key: string): void {
    this.#expiry.delete(key);
    this.#expiry.set(key, monotonicMs() + this.#windowMs);
    this.#sweep();
  }

  #sweep(): void {
    const now = monotonicMs();
    for (const [key, expiresAt] of this.#expiry) {
      if (expiresAt > now && this.#expiry.size <= this.#maxKeys) return;
      this.#expiry.delete(key);
    }
  }
}
