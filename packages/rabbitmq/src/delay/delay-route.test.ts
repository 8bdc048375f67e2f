import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BASE, digitsOf, heldMs, LEVELS, LONGEST_DELAY_MS, levelOf, unitMs } from "./delay-route.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const delays = fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: LONGEST_DELAY_MS }), fc.double({ min: 0.01, max: 1e6, noNaN: true }));

describe("the route of a delay", () => {
  it("is never shorter than the delay, and longer by at most a third of what is allowed", () => {
    fc.assert(
      fc.property(delays, (delayMs) => {
        const held = heldMs(delayMs);
        expect(held).toBeGreaterThanOrEqual(delayMs);
        expect(held - delayMs).toBeLessThanOrEqual(Math.max(SECOND, delayMs / 100) / 3);
      }),
      { numRuns: 5_000 },
    );
  });

  it("goes through one queue a digit, which together hold a message for that time, and through four at most", () => {
    fc.assert(
      fc.property(delays, (delayMs) => {
        const digits = digitsOf(delayMs);
        expect(digits).toHaveLength(LEVELS);
        expect(digits.every((digit) => Number.isInteger(digit) && digit >= 0 && digit < BASE)).toBe(true);
        expect(digits.reduce((sum, digit, index) => sum + digit * unitMs(LEVELS - index), 0)).toBe(heldMs(delayMs));
        expect(digits.filter((digit) => digit > 0).length).toBeLessThanOrEqual(4);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ["10 ms", 10, 16],
    ["100 ms", 100, 104],
    ["2 s", 2 * SECOND, 2_048],
    ["90 s", 90 * SECOND, 90_112],
    ["13 h", 13 * HOUR, 46_923_776],
    ["45 days", LONGEST_DELAY_MS, 3_892_314_112],
  ])("holds a message of %s back for a little more, not for the next of few steps", (_, delayMs, held) => {
    expect(heldMs(delayMs)).toBe(held);
  });

  it("begins on the level of its first digit, and on none where there is no delay", () => {
    expect(levelOf(digitsOf(0))).toBe(0);
    expect(levelOf(digitsOf(-5))).toBe(0);
    expect(levelOf(digitsOf(1))).toBe(1);
    expect(levelOf(digitsOf(2 * SECOND))).toBe(3);
    expect(levelOf(digitsOf(LONGEST_DELAY_MS))).toBe(LEVELS);
  });

  it("has no time to live that the broker cannot count", () => {
    expect(digitsOf(LONGEST_DELAY_MS)[0]).toBeLessThanOrEqual(3);
    expect(3 * unitMs(LEVELS)).toBeLessThan(2 ** 32);
  });
});
