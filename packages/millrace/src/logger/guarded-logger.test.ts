import { describe, expect, it, vi } from "vitest";
import { guarded } from "./guarded-logger.ts";
import { type LogFields, type Logger, logs } from "./logger.ts";
import { RecordingLogger } from "./recording-logger.fixture.ts";
import { silentLogger } from "./silent-logger.ts";

const levels = ["trace", "debug", "info", "warn", "error"] as const;
const broken = new Error("the disk is full");
const throws = (): never => {
  throw broken;
};
const bare = { trace: throws, debug: throws, info: throws, warn: throws, error: throws };

describe("a guarded logger", () => {
  it("passes every line on, at its level, to the logger's own methods", () => {
    const inner = new RecordingLogger(); // a class whose methods need their `this`
    const logger = guarded(inner);
    for (const level of levels) logger[level]({ level }, `at ${level}`);
    expect(inner.lines).toEqual(levels.map((level) => ({ level, fields: { level }, text: `at ${level}` })));
  });

  it("writes warnings and errors to standard error where no logger was given", () => {
    const write = vi.spyOn(console, "error").mockReturnValue(undefined);
    try {
      for (const level of levels) guarded()[level]({}, `at ${level}`);
      expect(write.mock.calls.map(([line]) => /at \w+/.exec(String(line))?.[0])).toEqual(["at warn", "at error"]);
    } finally {
      write.mockRestore();
    }
  });

  it("lets nothing out that a method throws", () => {
    const logger = guarded(bare);
    for (const level of levels) expect(() => logger[level]({}, "x")).not.toThrow();
  });

  it("leaves no rejection of an asynchronous method unhandled", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const rejects = (): Promise<never> => Promise.reject(broken);
    const logger = guarded({ trace: rejects, debug: rejects, info: rejects, warn: rejects, error: rejects });
    for (const level of levels) logger[level]({}, "x");
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it("bears a logger without one of the methods", () => {
    expect(() => guarded({} as Logger).warn({}, "x")).not.toThrow();
  });

  it("asks the logger whether a level is on, and has no such method when the logger has none", () => {
    expect(logs(guarded(silentLogger), "debug")).toBe(false);
    const asked: string[] = [];
    const some: Logger = Object.assign(new RecordingLogger(), { isLevelEnabled: (level: string) => asked.push(level) === 1 });
    expect([logs(guarded(some), "info"), logs(guarded(some), "debug")]).toEqual([true, false]);
    expect(asked).toEqual(["info", "debug"]);
    expect(guarded(new RecordingLogger()).isLevelEnabled).toBeUndefined();
    expect(logs(guarded({ ...bare, isLevelEnabled: throws }), "debug")).toBe(true);
  });

  it("makes children that are guarded, with the logger's own fields, and has no such method when the logger has none", () => {
    const bound: LogFields[] = [];
    const inner: Logger = {
      ...bare,
      child: (fields) => {
        bound.push(fields);
        return inner;
      },
    };
    const child = guarded(inner).child?.({ service: "billing" }).child?.({ handler: "print" });
    expect(() => child?.error({}, "x")).not.toThrow();
    expect(child).toBeDefined();
    expect(bound).toEqual([{ service: "billing" }, { handler: "print" }]);
    expect(guarded(new RecordingLogger()).child).toBeUndefined();
  });

  it("goes on by itself when the logger cannot make a child", () => {
    for (const child of [throws, (() => undefined) as never]) {
      const inner = Object.assign(new RecordingLogger(), { child });
      guarded(inner).child?.({}).warn({}, "still heard");
      expect(inner.saying("still heard")).toHaveLength(1);
    }
  });

  it("is guarded once, however often it is asked for", () => {
    const logger = guarded(bare);
    expect(guarded(logger)).toBe(logger);
    expect(guarded(bare)).not.toBe(bare);
  });
});
