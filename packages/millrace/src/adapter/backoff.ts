/** Exponential backoff with full jitter: somewhere between 0 and `min × 2^(attempt-1)`, capped; `attempt` counts from 1. */
export function backoffMs(attempt: number, minMs: number, maxMs: number): number {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30));
  return Math.random() * ceiling;
}

/** As `backoffMs`, but never less than half of the ceiling: for reconnecting, where a wait of nearly 0 helps nobody. */
export function equalBackoffMs(attempt: number, minMs: number, maxMs: number): number {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}
