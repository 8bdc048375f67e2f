import { describe, expect, it } from "vitest";
import { retryAfterMs } from "./retry-after.ts";

const asking = (value: unknown): Error => Object.assign(new Error("too many requests"), { retryAfterMs: value });

describe("what an error asks for", () => {
  it("is its retryAfterMs, or that of its cause, the outer one first", () => {
    expect(retryAfterMs(asking(1_500))).toBe(1_500);
    expect(retryAfterMs(asking(0))).toBe(0);
    expect(retryAfterMs(new Error("payment failed", { cause: asking(20) }))).toBe(20);
    expect(retryAfterMs(Object.assign(new Error("outer", { cause: asking(20) }), { retryAfterMs: 10 }))).toBe(10);
  });

  it("is nothing when that is no finite number of at least 0", () => {
    for (const value of ["5", -1, Number.NaN, Infinity, null, undefined, {}]) expect(retryAfterMs(asking(value))).toBeUndefined();
    for (const value of [undefined, null, "text", 5, new Error("own")]) expect(retryAfterMs(value)).toBeUndefined();
    const snake: { cause?: unknown } = {};
    snake.cause = snake;
    expect(retryAfterMs(snake)).toBeUndefined();
  });
});
