import { afterEach, describe, expect, it, vi } from "vitest";
import { OptionError } from "../errors/index.ts";
import { randomFail } from "./random-fail.ts";
import { randomPanic } from "./random-panic.ts";
import { received } from "./received.fixture.ts";

afterEach(() => void vi.restoreAllMocks());

describe("randomFail and randomPanic", () => {
  it("never fail at 0 and always at 1, before the handler runs", () => {
    const random = vi.spyOn(Math, "random");
    const handler = vi.fn();
    for (const drawn of [0, 0.5, 0.999_999]) {
      random.mockReturnValue(drawn);
      randomFail(0)(handler)(received());
      randomPanic(0)(handler)(received());
      expect(() => randomFail(1)(handler)(received())).toThrow(expect.objectContaining({ code: "RANDOM_FAILURE", retryable: true }));
      expect(() => randomPanic(1)(handler)(received())).toThrow("a random panic");
    }
    expect(handler).toHaveBeenCalledTimes(6);
  });

  it("fail at draws below the probability", () => {
    const random = vi.spyOn(Math, "random");
    random.mockReturnValue(0.3);
    expect(() => randomFail(0.31)(() => undefined)(received())).toThrow();
    expect(() => randomFail(0.3)(() => undefined)(received())).not.toThrow();
  });

  it("refuse what is no probability", () => {
    for (const bad of [-0.1, 1.1, Number.NaN, undefined]) {
      expect(() => randomFail(bad as number)).toThrow(OptionError);
      expect(() => randomPanic(bad as number)).toThrow(OptionError);
    }
  });
});
