const encoder = new TextEncoder();
// A byte order mark is part of a key as any other byte: skipped, it would make one key of two.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A byte that is no UTF-8 stands as a lone low surrogate, U+DC80 to U+DCFF: text that no UTF-8 gives. */
const ESCAPE = 0xdc00;

/** The text of a key given as bytes: their UTF-8, each byte that is none escaped, so that different bytes never give the same text. */
export function keyText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return escaped(bytes);
  }
}

/** The bytes of a key given as text; undoes `keyText`. */
export function keyBytes(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (isEscape(code)) bytes.push(code - ESCAPE);
    else bytes.push(...encoder.encode(character));
  }
  return Uint8Array.from(bytes);
}

/**
 * A key given as text, as it is after a way through bytes: itself, nearly always. `undefined` for a text with half a character in it,
 * which no bytes would bring back.
 */
export function lastingKey(text: string): string | undefined {
  if (text.isWellFormed()) return text;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (code >= 0xd800 && code <= 0xdfff && !isEscape(code)) return undefined;
  }
  return keyText(keyBytes(text));
}

/** True for a key whose bytes are no UTF-8: where keys travel as text, it needs another way. */
export function isBinaryKey(text: string): boolean {
  return !text.isWellFormed();
}

function isEscape(code: number): boolean {
  return code > ESCAPE + 0x7f && code <= ESCAPE + 0xff;
}

function escaped(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] as number);
    const part = length === 0 ? undefined : decoded(bytes.subarray(at, at + length));
    if (part === undefined) text += String.fromCharCode(ESCAPE + (bytes[at++] as number));
    else {
      text += part;
      at += length;
    }
  }
  return text;
}

/** How many bytes a UTF-8 sequence that begins so has; 0 for none. */
function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
