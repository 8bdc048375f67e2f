/**
 * A header as text. Headers may be numbers, booleans, times, bytes, lists and tables; metadata is text, and what cannot be
 * said shorter is said as JSON: `17`, `true`, `2023-11-14T22:13:20Z`, base64 for bytes, the empty text for null.
 */
export function headerText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "";
  const plain = plainValue(value);
  return typeof plain === "object" ? JSON.stringify(plain) : String(plain);
}

/** As JSON can say it. */
function plainValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64");
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== "object" || value === null) return value;
  const { "!": type, value: inner } = value as { readonly "!"?: unknown; readonly value?: unknown };
  if (type === "timestamp") return timeText(inner as number);
  if (type === "decimal") return decimalText(inner as { readonly places: number; readonly digits: number });
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, plainValue(entry)]));
}

function timeText(seconds: number): string {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? String(seconds) : time.toISOString().replace(".000Z", "Z");
}

function decimalText({ places, digits }: { readonly places: number; readonly digits: number }): string {
  if (places === 0) return String(digits);
  const text = String(digits).padStart(places + 1, "0");
  return `${text.slice(0, -places)}.${text.slice(-places)}`;
}
