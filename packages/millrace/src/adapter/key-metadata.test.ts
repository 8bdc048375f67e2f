import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyBytes, keyText } from "../message/key-bytes.ts";
import { isKeyMetadata, KEY_BASE64_METADATA, KEY_METADATA, keyEntry, keyOfEntry } from "./key-metadata.ts";

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 48 }),
  fc.string({ unit: "binary" }).map((text) => new TextEncoder().encode(text)),
);

describe("a key in metadata", () => {
  it("of any bytes comes back from its entry, which is whole text", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const [name, value] = keyEntry(keyText(bytes));
        expect(value.isWellFormed()).toBe(true);
        expect(keyBytes(keyOfEntry(name, value))).toEqual(Uint8Array.from(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it("has another entry when its bytes are others", () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (one, other) => {
        expect(keyEntry(keyText(one)).join() === keyEntry(keyText(other)).join()).toBe(Buffer.compare(one, other) === 0);
      }),
      { numRuns: 2000 },
    );
  });

  it("is the text itself, as services in Go read it, wherever the bytes are text", () => {
    for (const key of ["", "k", "ключ 🔑", "\ufeffk", "k\0", "/w=="]) expect(keyEntry(key)).toEqual([KEY_METADATA, key]);
    expect(keyEntry(keyText(Uint8Array.of(0xff)))).toEqual([KEY_BASE64_METADATA, "/w=="]);
  });

  it("that is no base64 where it should be cannot be read", () => {
    for (const value of ["/w", "/w=", "-w==", "k"])
      expect(() => keyOfEntry(KEY_BASE64_METADATA, value)).toThrow(expect.objectContaining({ code: "UNDECODABLE" }));
  });

  it("that a foreign writer made of half a character is read as Go reads it", () => {
    expect(keyOfEntry(KEY_METADATA, "k\ud83d")).toBe("k\ufffd");
  });

  it("has two names and no others", () => {
    expect([KEY_METADATA, KEY_BASE64_METADATA, "millrace_key_", "key", ""].map(isKeyMetadata)).toEqual([true, true, false, false, false]);
  });
});
