/** How the waits between tries grow: from `minDelayMs`, each `multiplier` times the one before, to `maxDelayMs`. */
export interface Backoff {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Default 2. */
  readonly multiplier?: number | undefined;
}

/**
 * The wait in milliseconds after `failures` tries, 1 or more, have failed: drawn evenly from `least` to `most` times its exact length, and
 * never longer than `maxDelayMs`. By default it is at least half of that, since a wait of nearly 0 helps nobody who reconnects.
 */
export function backoffMs(failures: number, { minDelayMs, maxDelayMs, multiplier = 2 }: Backoff, least = 0.5, most = 1): number {
  const exactMs = Math.min(maxDelayMs, minDelayMs * Math.min(multiplier ** (failures - 1), Number.MAX_SAFE_INTEGER));
  return Math.min(maxDelayMs, exactMs * (least + Math.random() * (most - least)));
}
