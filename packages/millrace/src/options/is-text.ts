/** True for a text that is not empty, and that no way through bytes makes another. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.isWellFormed();
}
