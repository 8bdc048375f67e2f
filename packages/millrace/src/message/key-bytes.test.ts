import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isBinaryKey, keyBytes, keyText, lastingKey } from "./key-bytes.ts";

/** Bytes that lie near to UTF-8: pieces of it, cut, doubled and mixed with bytes that begin nothing. */
const nearlyText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        [0xef, 0xbb, 0xbf],
        [0xef, 0xbf, 0xbd],
        [0xed, 0xa0, 0x80],
        [0xed, 0xb2, 0x80],
        [0xc0, 0x80],
        [0xf4, 0x90, 0x80, 0x80],
        [0xf0, 0x9f, 0x98],
        [0],
      ),
      fc.string({ unit: "binary", maxLength: 3 }).map((text) => [...new TextEncoder().encode(text)]),
      fc.integer({ min: 0, max: 255 }).map((byte) => [byte]),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Uint8Array.from(parts.flat()));
const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), nearlyText);
const wholeText = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed());

describe("a key", () => {
  it("of any bytes comes back from its text", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(keyBytes(keyText(bytes))).toEqual(Uint8Array.from(bytes));
      }),
      { numRuns: 5000 },
    );
  });

  it("has another text when its bytes are others", () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (one, other) => {
        expect(keyText(one) === keyText(other)).toBe(Buffer.compare(one, other) === 0);
      }),
      { numRuns: 5000 },
    );
  });

  it("given as text has the bytes of its UTF-8 and is that text, also with a byte order mark or NUL in it, and when it is empty", () => {
    fc.assert(
      fc.property(wholeText, (text) => {
        expect(keyBytes(text)).toEqual(new TextEncoder().encode(text));
        expect(keyText(keyBytes(text))).toBe(text);
        expect(lastingKey(text)).toBe(text);
      }),
    );
    for (const text of ["", "\ufeff", "\ufeffk", "k\0", "\ufffd", "😀"]) expect(keyText(keyBytes(text))).toBe(text);
  });

  it("is binary exactly when its bytes are no UTF-8", () => {
    const strict = new TextDecoder("utf-8", { fatal: true });
    const isText = (bytes: Uint8Array): boolean => {
      try {
        strict.decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(isBinaryKey(keyText(bytes))).toBe(!isText(bytes));
      }),
    );
  });

  it("keeps its text on every further way through bytes, and has none when it holds half a character", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0xd7f0, max: 0xe00f }), { maxLength: 6 }), (units) => {
        const text = String.fromCharCode(...units);
        const lasting = lastingKey(text);
        const half = [...text].some((character) => {
          const code = character.codePointAt(0) as number;
          return code >= 0xd800 && code <= 0xdfff && (code < 0xdc80 || code > 0xdcff);
        });
        if (half) expect(lasting).toBeUndefined();
        else expect(keyText(keyBytes(lasting as string))).toBe(lasting);
      }),
      { numRuns: 2000 },
    );
    // Escapes that spell UTF-8 are that UTF-8.
    expect(lastingKey("\udcc3\udca9")).toBe("é");
    expect(lastingKey("\udcff")).toBe("\udcff");
    for (const text of ["\ud800", "\udc00", "\udc7f", "\udd00", "k\ud83d"]) expect(lastingKey(text)).toBeUndefined();
  });
});
