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
  if (type === "timestamp") return timeText(inner as number | string);
  if (type === "decimal") return decimalText(inner as { readonly places: number; readonly digits: number });
  if (type === "int64" || type === "double") return String(inner);
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, plainValue(entry)]));
}

function timeText(seconds: number | string): string {
  const time = new Date(Number(seconds) * 1000);
  return Number.isNaN(time.getTime()) ? String(seconds) : time.toISOString().replace(".000Z", "Z");
}

/** amqplib says the digits without their sign. */
function decimalText({ places, digits }: { readonly places: number; readonly digits: number }): string {
  const signed = digits | 0;
  const text = String(Math.abs(signed)).padStart(places + 1, "0");
  const sign = signed < 0 ? "-" : "";
  return places === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -places)}.${text.slice(-places)}`;
}
