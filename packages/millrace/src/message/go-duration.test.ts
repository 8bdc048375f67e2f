import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatGoDuration, parseGoDuration } from "./go-duration.ts";

interface GoldenCase {
  readonly name: string;
  readonly input: { readonly nanoseconds: number };
  readonly output: { readonly delayedFor: string };
}
const golden = JSON.parse(readFileSync(new URL("../../testdata/golden/middleware.json", import.meta.url), "utf8"));

describe("Go's duration text", () => {
  for (const { input, output } of golden.statements.filter((one: GoldenCase) => one.name === "delay.For") as GoldenCase[]) {
    it(`writes and reads ${input.nanoseconds} ns as Go does: ${output.delayedFor}`, () => {
      expect(formatGoDuration(input.nanoseconds / 1e6)).toBe(output.delayedFor);
      expect(parseGoDuration(output.delayedFor)).toBeCloseTo(input.nanoseconds / 1e6, 9);
    });
  }

  it("writes a few nanoseconds over a minute or an hour without an exponent, as Go does", () => {
    expect([60_000.0001, 3_600_000.000001, 61_000.5].map(formatGoDuration)).toEqual(["1m0.0000001s", "1h0m0.000000001s", "1m1.0005s"]);
  });

  it("is exact to the millisecond over years, and carries what is rounded up", () => {
    expect([876_000 * 3_600_000 + 1, -(876_000 * 3_600_000 + 59_999), 59_999.9999999].map(formatGoDuration)).toEqual([
      "876000h0m0.001s",
      "-876000h0m59.999s",
      "1m0s",
    ]);
  });

  it("reads everything that Go reads", () => {
    const texts = { "0": 0, "+5s": 5_000, "-.5s": -500, "1.s": 1_000, "1us": 0.001, "1μs": 0.001, "1500ms": 1_500, "1h30m": 5_400_000, "2s1m": 62_000 };
    for (const [text, ms] of Object.entries(texts)) expect(parseGoDuration(text), text).toBe(ms);
  });

  it("reads nothing that Go does not", () => {
    for (const text of ["", "nonsense", "5", "s", "1 s", "1s ", ".s", "--1s", "1d", "1s2", "1e3s", "1.2.3s"]) {
      expect(parseGoDuration(text), text).toBeUndefined();
    }
  });

  it("reads back what it writes", () => {
    for (const ms of [1, 7.25, 999.999, 59_999, 60_000, 3_599_999.5, 86_400_000 * 30]) expect(parseGoDuration(formatGoDuration(ms))).toBeCloseTo(ms, 6);
  });
});
