import { describe, expect, it } from "vitest";
import { fromBase64, toBase64 } from "./base64.ts";
import { goJson, goJsonMap, goJsonText } from "./go-json.ts";

describe("goJson", () => {
  it("escapes what Go escapes, and nothing else", () => {
    expect(goJsonText("\u0000\u0001\b\t\n\u000b\f\r\u001f\u007f")).toBe('"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\u007f"');
    expect(goJsonText('<b>&"\\/</b>\u2028\u2029')).toBe('"\\u003cb\\u003e\\u0026\\"\\\\/\\u003c/b\\u003e\\u2028\\u2029"');
    expect(goJsonText("naïve 🦫 \ufffd")).toBe('"naïve 🦫 \ufffd"');
  });

  it("writes an escaped replacement character for a lone surrogate", () => {
    expect(goJsonText("a\ud800b\udc00🦫")).toBe('"a\\ufffdb\\ufffd🦫"');
  });

  it("sorts the keys of a map by their UTF-8 bytes", () => {
    const keys = ["\u{10000}", "\uffff", "é", "b", "B", "", "ab", "a"];
    expect(goJsonMap(keys.map((key) => [key, ""]))).toBe('{"":"","B":"","a":"","ab":"","b":"","é":"","\uffff":"","\u{10000}":""}');
    const sorted = [...keys].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    expect(Object.keys(JSON.parse(goJsonMap(keys.map((key) => [key, ""]))))).toEqual(sorted);
    expect(goJson(new Map(keys.map((key) => [key, ""])))).toBe(goJsonMap(keys.map((key) => [key, ""])));
  });

  it("writes structs, lists, bytes and numbers as Go does", () => {
    const value = {
      b: [1, -0, 1e21, 1e-7, 0.000001, 2n ** 60n],
      a: null,
      gone: undefined,
      bytes: new Uint8Array([255, 254]),
      when: new Date(0),
      deep: { ok: true },
    };
    expect(goJson(value)).toBe(
      '{"b":[1,-0,1e+21,1e-7,0.000001,1152921504606846976],"a":null,"bytes":"//4=","when":"1970-01-01T00:00:00.000Z","deep":{"ok":true}}',
    );
    expect(goJson(undefined)).toBe("null");
    expect(goJsonMap([])).toBe("{}");
  });

  it("refuses what JSON has no text for", () => {
    for (const value of [Number.NaN, Infinity, () => 1, Symbol("s"), [Number.NaN]]) expect(() => goJson(value)).toThrow(TypeError);
  });
});

describe("base64", () => {
  it("brings every byte back, also without Node's Buffer", () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7) & 255);
    const text = toBase64(bytes.subarray(1));
    expect(fromBase64(text)).toEqual(bytes.subarray(1));
    const { Buffer: kept } = globalThis;
    try {
      (globalThis as { Buffer?: unknown }).Buffer = undefined;
      expect(toBase64(bytes.subarray(1))).toBe(text);
      const read = fromBase64(text) as Uint8Array;
      globalThis.Buffer = kept;
      expect(read).toEqual(bytes.subarray(1));
    } finally {
      globalThis.Buffer = kept;
    }
  });

  it("skips line breaks and refuses all else that is not standard base64 with padding", () => {
    expect(fromBase64("aGVs\r\nbG8=")).toEqual(new TextEncoder().encode("hello"));
    expect(fromBase64("")).toEqual(new Uint8Array(0));
    for (const bad of ["aGVsbG8", "_-8=", "a", "====", "aG=s", "aGVs bG8=", "aGV\u00e9"]) expect(fromBase64(bad)).toBeUndefined();
  });
});
