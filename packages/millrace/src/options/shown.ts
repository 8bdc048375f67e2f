/** A value as it is shown in the text of an error: short, and never more of a text than 64 characters. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) {
    if (typeof (value as { readonly then?: unknown }).then === "function") return "a promise: is an await missing?";
    return Array.isArray(value) ? "an array" : "an object";
  }
  return String(value);
}
