export const PLAIN = "PLAIN";

/** What a failing handler throws: an error of the user's own, with a code. */
export class PlainError extends Error {
  readonly code: string = PLAIN;
}
