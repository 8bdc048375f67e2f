import { describe, expect, it } from "vitest";
import type { OptionError } from "../errors/index.ts";
import { OptionCheck, type OptionNames, pickOptions } from "./index.ts";
import { nearestName } from "./nearest-name.ts";

interface Wheel {
  readonly size?: number | undefined;
}

interface Car {
  readonly wheelCount?: number | undefined;
  readonly topSpeedMs: number;
  readonly wheel?: Wheel | undefined;
}

const CAR: OptionNames<Car> = { wheelCount: true, topSpeedMs: true, wheel: true };
const WHEEL: OptionNames<Wheel> = { size: true };

function problemsOf(options: unknown): readonly string[] {
  const { wheel } = (options ?? {}) as Car;
  try {
    new OptionCheck("Car")
      .known(options as Car, CAR)
      .known(wheel, WHEEL, "wheel")
      .done();
  } catch (error) {
    return (error as OptionError).problems;
  }
  return [];
}

describe("the names of options", () => {
  it("are all taken, also where their value is undefined", () => {
    expect(problemsOf({ topSpeedMs: 1, wheelCount: undefined, wheel: { size: 3 } })).toEqual([]);
  });

  it("are refused where they are not known, with the nearest known one, whatever their value", () => {
    expect(problemsOf({ topSpeed: 1, weelCount: undefined })).toEqual([
      "unknown option topSpeed, did you mean topSpeedMs?",
      "unknown option weelCount, did you mean wheelCount?",
    ]);
  });

  it("are refused inside of options too, by their whole name", () => {
    expect(problemsOf({ topSpeedMs: 1, wheel: { sise: 3 } })).toEqual(["unknown option wheel.sise, did you mean wheel.size?"]);
  });

  it("are all listed where none is near", () => {
    expect(problemsOf({ colour: "red" })).toEqual(["unknown option colour; known are wheelCount, topSpeedMs, wheel"]);
  });

  it("that every object has are no options", () => {
    expect(problemsOf({ constructor: 1 })).toHaveLength(1);
    expect(problemsOf(Object.create({ inherited: 1 }))).toEqual([]);
  });

  it("need an object", () => {
    for (const [options, shown] of [
      [3, "3"],
      ["x", '"x"'],
      [null, "null"],
      [[], "an array"],
      [undefined, "undefined"],
      [() => {}, "a function"],
    ]) {
      expect(problemsOf(options)).toEqual([`options must be an object, got ${shown as string}`]);
    }
    expect(problemsOf({ wheel: 4 })).toEqual(["wheel must be an object, got 4"]);
  });

  it("are told together with everything else that is wrong", () => {
    const check = () =>
      new OptionCheck("Car")
        .known({ wheels: 4 } as unknown as Car, CAR)
        .required("topSpeedMs", undefined)
        .done();
    expect(check).toThrow(expect.objectContaining({ code: "BAD_OPTION", problems: ["unknown option wheels, did you mean wheel?", "topSpeedMs is missing"] }));
  });
});

describe("pickOptions", () => {
  it("takes what is named, also where it is undefined, and leaves the rest", () => {
    expect(pickOptions({ topSpeedMs: 1, wheel: undefined, colour: "red" } as Car, CAR)).toStrictEqual({ topSpeedMs: 1, wheel: undefined });
  });
});

describe("the nearest name", () => {
  const retry = ["maxRetries", "minDelayMs", "maxDelayMs", "multiplier", "jitter", "maxElapsedMs", "shouldRetry", "onRetry", "logger"];

  it.each([
    ["retries", retry, "maxRetries"],
    ["maxretries", retry, "maxRetries"],
    ["attempts", retry, "maxRetries"],
    ["minDelay", retry, "minDelayMs"],
    ["jiter", retry, "jitter"],
    ["log", retry, "logger"],
    ["persistant", ["persistent", "blockPublishUntilAck", "bufferSize", "logger"], "persistent"],
    ["concurency", ["concurrency", "orderBy"], "concurrency"],
    ["workers", ["name", "concurrency"], "concurrency"],
    ["timeout", ["connectTimeoutMs", "timeoutMs"], "timeoutMs"],
    ["sub", ["subscriber", "publisher"], "subscriber"],
    ["handler", ["handle", "name"], "handle"],
    ["groupId", ["group", "from"], "group"],
    ["bootstrapServers", ["url", "brokers"], "brokers"],
    ["hendle", ["name", "handle"], "handle"],
  ])("of %s among %j is %s", (given, known, nearest) => {
    expect(nearestName(given, known)).toBe(nearest);
  });

  it("is none where nobody would take one for the other", () => {
    for (const given of ["", "x", "colour", "zzzzzz", "id"]) expect(nearestName(given, retry)).toBeUndefined();
  });
});
