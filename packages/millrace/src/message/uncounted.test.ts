import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { handedBack, isHandedBack } from "./handed-back.ts";
import { isUncounted, uncounted } from "./uncounted.ts";

describe("an uncounted error", () => {
  it("is known by its mark, also as a cause", () => {
    const error = new Error("later");
    expect(isUncounted(error)).toBe(false);
    expect(uncounted(error)).toBe(error);
    expect(uncounted(error)).toBe(error); // twice is once
    expect(isUncounted(error)).toBe(true);
    expect(isUncounted(new Error("outer", { cause: new MillraceError("inner", { code: "X", cause: error }) }))).toBe(true);
  });

  it("is known to another copy of the library", () => {
    const foreign = Object.defineProperty(new Error("later"), Symbol.for("millrace.uncounted"), { value: true });
    expect(isUncounted(foreign)).toBe(true);
  });

  it("shows its mark neither in keys nor in JSON", () => {
    const error = uncounted(new Error("later"));
    expect([Object.keys(error), JSON.stringify(error)]).toEqual([[], "{}"]);
  });

  it("is nothing else: no value that is no error, and no chain without end", () => {
    for (const value of [undefined, null, 0, "text", {}, new Error("own"), Symbol("s")]) expect(isUncounted(value)).toBe(false);
    const snake: { cause?: unknown } = {};
    snake.cause = snake;
    expect(isUncounted(snake)).toBe(false);
    let deep: unknown = uncounted(new Error("deep"));
    for (let depth = 0; depth < 8; depth++) deep = { cause: deep };
    expect(isUncounted(deep)).toBe(false);
  });

  it("is what a message handed back ends with", () => {
    const error = handedBack("an earlier one failed");
    expect([isUncounted(error), isHandedBack(error), error.code, error.retryable, error.message]).toEqual([
      true,
      true,
      "HANDED_BACK",
      true,
      "an earlier one failed",
    ]);
    expect(isHandedBack(new Error("own"))).toBe(false);
  });
});
