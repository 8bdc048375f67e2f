import { CANNOT_BE_SHOWN } from "../internal/as-error.ts";

/** Brokers bound the size of metadata: a dead letter that can never be published would be worse than a cut text. */
const MOST_BYTES = 4_096;
const CUT = "…";
const CUT_BYTES = 3;
const encoder = new TextEncoder();

/** What an error says, in at most 4,096 bytes of UTF-8; for what is no error, the value as text. Never throws. */
export function reasonText(error: unknown): string {
  const text = textOf(error).toWellFormed();
  return text.length * 3 <= MOST_BYTES || fitting(text, MOST_BYTES) === text.length ? text : text.slice(0, fitting(text, MOST_BYTES - CUT_BYTES)) + CUT;
}

/** How many UTF-16 units of a text fit into so many bytes, no character cut in two. */
function fitting(text: string, bytes: number): number {
  return encoder.encodeInto(text, new Uint8Array(bytes)).read;
}

function textOf(error: unknown): string {
  try {
    if (typeof error !== "object" || error === null) return String(error);
    const { message } = error as { readonly message?: unknown };
    return typeof message === "string" ? message : String(error);
  } catch {
    return CANNOT_BE_SHOWN;
  }
}
