export const CANNOT_BE_SHOWN = "something was thrown that cannot be shown";

/** What was thrown, as an error. Never throws. */
export function asError(thrown: unknown): Error {
  try {
    return thrown instanceof Error ? thrown : new Error(textOf(thrown));
  } catch {
    return new Error(CANNOT_BE_SHOWN);
  }
}

/** Of an object without a text of its own, what it holds. */
function textOf(thrown: unknown): string {
  const text = String(thrown);
  return text === "[object Object]" ? JSON.stringify(thrown).slice(0, 1000) : text;
}
