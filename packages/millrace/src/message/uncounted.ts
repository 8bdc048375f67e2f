const UNCOUNTED: unique symbol = Symbol.for("millrace.uncounted") as never;
const LONGEST_CHAIN = 8;

/**
 * Marks an error as no failure of the message: nobody's handler was at fault, it has to be handled again. No attempt is counted
 * for it, and what counts, retries or dead-letters failures lets it pass. By a registered symbol, so that two copies of the library mix.
 */
export function uncounted<E extends Error>(error: E): E {
  Object.defineProperty(error, UNCOUNTED, { value: true });
  return error;
}

/** True for an error that was marked, also when it is the cause of another one. */
export function isUncounted(error: unknown): boolean {
  for (let link = error, depth = 0; depth < LONGEST_CHAIN && typeof link === "object" && link !== null; depth++) {
    if ((link as { [UNCOUNTED]?: boolean })[UNCOUNTED] === true) return true;
    link = (link as { cause?: unknown }).cause;
  }
  return false;
}
