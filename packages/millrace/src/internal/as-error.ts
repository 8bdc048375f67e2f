export const CANNOT_BE_SHOWN = "something was thrown that cannot be shown";

/** What was thrown, as an error. Never throws. */
export function asError(thrown: unknown): Error {
  try {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  } catch {
    return new Error(CANNOT_BE_SHOWN);
  }
}
