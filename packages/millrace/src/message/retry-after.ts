const LONGEST_CHAIN = 8;

/**
 * The milliseconds for which an error asks to be left alone: its `retryAfterMs`, or that of what caused it. A service that answers
 * "too many requests" says so; no attempt is made before that. Undefined for what is no finite number of at least 0.
 */
export function retryAfterMs(error: unknown): number | undefined {
  for (let link = error, depth = 0; depth < LONGEST_CHAIN && typeof link === "object" && link !== null; depth++) {
    const { retryAfterMs: asked, cause } = link as { readonly retryAfterMs?: unknown; readonly cause?: unknown };
    if (typeof asked === "number" && asked >= 0 && asked < Infinity) return asked;
    link = cause;
  }
  return undefined;
}
