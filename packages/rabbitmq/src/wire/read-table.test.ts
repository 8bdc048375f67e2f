import { MillraceError } from "millrace";
import { describe, expect, it } from "vitest";
import { headerText } from "../header-text.ts";
import { field, nested, sized } from "../testing/raw-message.ts";
import { MOST_NESTED, readTable } from "./read-table.ts";

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

describe("a table of headers", () => {
  it.each([
    ["t", "01", true, "true"],
    ["b", "80", -128, "-128"],
    ["B", "ff", 255, "255"],
    ["s", "8000", -32_768, "-32768"],
    ["U", "ffff", -1, "-1"],
    ["u", "ffff", 65_535, "65535"],
    ["I", "80000000", -(2 ** 31), "-2147483648"],
    ["i", "ffffffff", 4_294_967_295, "4294967295"],
    ["l", "0000000100000000", 2 ** 32, "4294967296"],
    ["L", "ffffffff00000000", -(2 ** 32), "-4294967296"],
    ["L", "7fffffffffffffff", { "!": "int64", value: "9223372036854775807" }, "9223372036854775807"],
    ["f", "3fc00000", 1.5, "1.5"],
    ["d", "3ff8000000000000", 1.5, "1.5"],
    ["d", "7ff0000000000000", { "!": "double", value: "Infinity" }, "Infinity"],
    ["D", "02 0000007b", { "!": "decimal", value: { places: 2, digits: 123 } }, "1.23"],
    ["D", "02 fffffffb", { "!": "decimal", value: { places: 2, digits: 4_294_967_291 } }, "-0.05"],
    ["S", "00000002 6869", "hi", "hi"],
    ["T", "0000000065540b48", { "!": "timestamp", value: 1_700_006_728 }, "2023-11-15T00:05:28Z"],
    ["T", "ffffffffffffffff", { "!": "timestamp", value: "18446744073709551615" }, "18446744073709551615"],
    ["V", "", null, ""],
    ["x", "00000002 00ff", Buffer.from([0, 255]), "AP8="],
    ["A", "00000003 7401 56", [true, null], "[true,null]"],
    ["F", "00000004 01 61 62 05", { a: 5 }, '{"a":5}'],
  ])("reads type %s of %s", (type, hex, value, text) => {
    const table = readTable(field("h", type, bytes(hex)));
    expect(table).toEqual({ h: value });
    expect(headerText(table.h)).toBe(text);
  });

  it("has a field named __proto__ as any other", () => {
    const table = readTable(field("__proto__", "F", sized(field("id", "S", sized(Buffer.from("forged"))))));
    expect(Object.keys(table)).toEqual(["__proto__"]);
    expect((table as { readonly id?: unknown }).id).toBeUndefined();
    expect(Object.getPrototypeOf(table)).toBe(Object.prototype);
  });

  it("may be nested to a bound, and is undecodable beyond it, however deep", () => {
    let inner: unknown = readTable(nested(MOST_NESTED));
    for (let level = 0; level < MOST_NESTED; level++) inner = (inner as { readonly in: unknown }).in;
    expect(inner).toEqual({ end: true });
    for (const levels of [MOST_NESTED + 1, 12_000]) expect(() => readTable(nested(levels))).toThrow(/nested deeper than 32/);
  });

  it("is undecodable when it ends too early, at whatever byte, or has a type that nobody knows", () => {
    const whole = Buffer.concat([field("one", "S", sized(Buffer.from("text"))), nested(3), field("list", "A", sized(bytes("7401")))]);
    let cut = 0;
    for (let length = 1; length < whole.length; length++) {
      try {
        readTable(whole.subarray(0, length));
      } catch (error) {
        expect(MillraceError.is(error) && error.code).toBe("UNDECODABLE");
        cut++;
      }
    }
    expect(cut).toBe(whole.length - 1 - 2); // it may end behind a field, of which there are two before the last
    expect(() => readTable(field("h", "Q", bytes("00")))).toThrow(/type "Q"/);
    expect(() => readTable(field("h", "F", bytes("ffffffff 00")))).toThrow(/middle/);
  });
});
