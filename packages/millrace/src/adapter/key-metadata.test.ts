import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyBytes, keyText } from "../message/key-bytes.ts";
import { entriesWithKey, isKeyMetadata, KEY_BASE64_METADATA, KEY_METADATA, keyEntry, keyOfEntries } from "./key-metadata.ts";

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 48 }),
  fc.string({ unit: "binary" }).map((text) => new TextEncoder().encode(text)),
);

function read(entries: Iterable<readonly [string, string]>): string | undefined {
  const written = new Map(entries);
  return keyOfEntries((name) => written.get(name));
}

describe("a key in metadata", () => {
  it("of any bytes comes back from its entry, which is whole text", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const [name, value] = keyEntry(keyText(bytes));
        expect(value.isWellFormed()).toBe(true);
        expect(keyBytes(read([[name, value]]) as string)).toEqual(Uint8Array.from(bytes));
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
      expect(() => read([[KEY_BASE64_METADATA, value]])).toThrow(expect.objectContaining({ code: "UNDECODABLE" }));
  });

  it("that a foreign writer made of half a character is read as Go reads it", () => {
    expect(read([[KEY_METADATA, "k\ud83d"]])).toBe("k\ufffd");
  });

  it("is the only one that is written, whatever stands in the metadata", () => {
    const metadata = [
      ["a", "1"],
      [KEY_METADATA, "foreign"],
      [KEY_BASE64_METADATA, "/w=="],
    ] as const;
    expect([...entriesWithKey(metadata, "own")]).toEqual([
      ["a", "1"],
      [KEY_METADATA, "own"],
    ]);
    expect([...entriesWithKey(metadata, keyText(Uint8Array.of(0xfe)))]).toEqual([
      ["a", "1"],
      [KEY_BASE64_METADATA, "/g=="],
    ]);
    expect(entriesWithKey(metadata, undefined)).toBe(metadata);
  });

  it("is the binary one where a foreign writer has set both, and none where nobody has", () => {
    const both = [
      [KEY_METADATA, "text"],
      [KEY_BASE64_METADATA, "/w=="],
    ] as const;
    expect(read(both)).toBe(keyText(Uint8Array.of(0xff)));
    expect(read([["a", "1"]])).toBeUndefined();
  });

  it("has two names and no others", () => {
    expect([KEY_METADATA, KEY_BASE64_METADATA, "millrace_key_", "key", ""].map(isKeyMetadata)).toEqual([true, true, false, false, false]);
  });
});
