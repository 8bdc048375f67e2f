import { afterEach, describe, expect, it, vi } from "vitest";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { askHook } from "./ask-hook.ts";

afterEach(() => void vi.restoreAllMocks());

const broken = new TypeError("hook");
const throws = (): never => {
  throw broken;
};

describe("asking a hook", () => {
  it("gives its answer", () => {
    const logger = new RecordingLogger();
    expect(askHook(() => 1, 2, "onIt", logger)).toBe(1);
    expect(logger.lines).toEqual([]);
  });

  it("gives the default when it throws, and says so, also through a logger that throws", () => {
    const logger = new RecordingLogger();
    expect(askHook(throws, 2, "onIt", logger)).toBe(2);
    expect(logger.lines).toMatchObject([{ level: "warn", fields: { err: broken, hook: "onIt" }, text: "onIt threw, the message goes on without its answer" }]);
    expect(askHook(throws, 2, "onIt", Object.assign(new RecordingLogger(), { warn: throws }))).toBe(2);
  });

  it("says so on standard error where there is no logger", () => {
    const line = vi.spyOn(console, "error").mockImplementation(() => {});
    expect(askHook(throws, 2, "onIt", undefined)).toBe(2);
    expect(line).toHaveBeenCalledWith(expect.stringContaining("onIt threw"));
  });

  it("hears of a hook that rejects later: no rejection is left unhandled", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const logger = new RecordingLogger();
    askHook<unknown>(() => Promise.reject(broken), 2, "onIt", logger);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(logger.saying("onIt threw")).toHaveLength(1);
  });
});
