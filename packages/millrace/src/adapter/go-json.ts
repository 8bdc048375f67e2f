import { toBase64 } from "./base64.ts";

/**
 * JSON text of `value`, byte for byte as Go's `encoding/json` writes it once it is encoded as UTF-8.
 *
 * `<`, `>`, `&` and the two line separators are escaped, other text is not; what is not valid Unicode becomes `\ufffd`. An object
 * is a Go struct: fields in their own order, those that are `undefined` left out. A `Map` is a Go map: keys sorted by their
 * UTF-8 bytes. A `Uint8Array` is base64 with padding, a `bigint` a number with all its digits. Throws a `TypeError` for what
 * Go has no JSON for: functions, symbols, NaN and the infinities.
 *
 * ```ts
 * goJson({ uuid: "m-1", payload: new TextEncoder().encode("hello"), metadata: new Map([["b", "<"], ["a", "1"]]) });
 * // {"uuid":"m-1","payload":"aGVsbG8=","metadata":{"a":"1","b":"\u003c"}}
 * ```
 */
export function goJson(value: unknown): string {
  switch (typeof value) {
    case "string":
      return goJsonText(value);
    case "boolean":
    case "bigint":
      return String(value);
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`JSON cannot hold ${value}`);
      return Object.is(value, -0) ? "-0" : String(value);
    case "undefined":
      return "null";
    case "object":
      return value === null ? "null" : ofObject(value);
    default:
      throw new TypeError(`JSON cannot hold a ${typeof value}`);
  }
}

/** JSON text of a map of texts, metadata above all, as Go writes a `map[string]string`. */
export function goJsonMap(entries: Iterable<readonly [string, string]>): string {
  const pairs = [...entries];
  if (pairs.length > 1) pairs.sort(([one], [other]) => compareUtf8(one, other));
  let text = "{";
  for (const [key, value] of pairs) text += `${text.length === 1 ? "" : ","}${goJsonText(key)}:${goJsonText(value)}`;
  return `${text}}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const SPECIAL = /[\u0000-\u001f"\\<>&\u2028\u2029]|\p{Surrogate}/u;
const ALL_SPECIAL: RegExp = new RegExp(SPECIAL, "gu");
const SHORT: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** JSON text of a text, quotes included. */
export function goJsonText(text: string): string {
  return SPECIAL.test(text) ? `"${text.replace(ALL_SPECIAL, escaped)}"` : `"${text}"`;
}

function escaped(found: string): string {
  const code = found.charCodeAt(0);
  // Surrogates found by the expression are lone ones: it reads pairs as one character.
  if (code >= 0xd800 && code <= 0xdfff) return "\\ufffd";
  return SHORT[found] ?? `\\u${code.toString(16).padStart(4, "0")}`;
}

function ofObject(value: object): string {
  if (value instanceof Uint8Array) return `"${toBase64(value)}"`;
  if (Array.isArray(value)) return `[${value.map(goJson).join(",")}]`;
  if (value instanceof Map) {
    const pairs = [...(value as Map<string, unknown>)].sort(([one], [other]) => compareUtf8(one, other));
    return `{${pairs.map(([key, item]) => `${goJsonText(key)}:${goJson(item)}`).join(",")}}`;
  }
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") return goJson(toJSON.call(value));
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${fields.map(([name, item]) => `${goJsonText(name)}:${goJson(item)}`).join(",")}}`;
}

/** UTF-16 order, in which texts compare here, differs from the order of UTF-8 bytes where surrogates meet what lies above them. */
function compareUtf8(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let index = 0; index < length; index++) {
    const left = one.charCodeAt(index);
    const right = other.charCodeAt(index);
    if (left !== right) return lifted(left) - lifted(right);
  }
  return one.length - other.length;
}

function lifted(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
