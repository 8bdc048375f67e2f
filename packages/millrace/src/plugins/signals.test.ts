import process from "node:process";
import { afterEach, describe, expect, it, vi } from "vitest";
import { OptionError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { silentLogger } from "../logger/index.ts";
import type { DrainOptions } from "../message/index.ts";
import type { Router } from "../router/router-options.ts";
import { signals } from "./signals.ts";

function fakeRouter() {
  const end = deferred<void>();
  const closes: (DrainOptions | undefined)[] = [];
  const errors: object[] = [];
  const closed = deferred<void>();
  const router = {
    logger: { ...silentLogger, error: (fields: object) => void errors.push(fields) },
    close: (options?: DrainOptions) => {
      closes.push(options);
      return end.promise;
    },
    closed: closed.promise,
  };
  return { router: router as unknown as Router, end, closes, errors, closed };
}

const listeners = (): number => process.listenerCount("SIGINT") + process.listenerCount("SIGTERM");
const before = listeners();

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

describe("signals", () => {
  it("closes the router once at the first signal and then stops listening", async () => {
    const { router, end, closes } = fakeRouter();
    await signals({ timeoutMs: 500 })(router);
    expect(listeners()).toBe(before + 2);
    process.emit("SIGTERM", "SIGTERM");
    expect(closes).toEqual([{ timeoutMs: 500 }]);
    expect(listeners()).toBe(before + 2);
    end.resolve();
    await vi.waitFor(() => expect(listeners()).toBe(before));
    expect(closes).toHaveLength(1);
  });

  it("exits with code 1 at a second signal of another kind while it closes", async () => {
    const exit = vi.spyOn(process, "exit").mockImplementation(() => undefined as never);
    const { router, end, errors } = fakeRouter();
    await signals()(router);
    process.emit("SIGINT", "SIGINT");
    expect(exit).not.toHaveBeenCalled();
    process.emit("SIGTERM", "SIGTERM");
    expect(exit).toHaveBeenCalledExactlyOnceWith(1);
    expect(errors).toEqual([{ signal: "SIGTERM" }]);
    end.resolve();
    await vi.waitFor(() => expect(listeners()).toBe(before));
  });

  it("closes the router though its logger throws", async () => {
    const { router, end, closes } = fakeRouter();
    const throws = (): never => {
      throw new Error("the disk is full");
    };
    Object.assign(router.logger, { info: throws, error: throws });
    await signals()(router);
    process.emit("SIGTERM", "SIGTERM");
    expect(closes).toHaveLength(1);
    end.reject(new Error("no"));
    await vi.waitFor(() => expect(process.exitCode).toBe(1));
    expect(listeners()).toBe(before);
  });

  it("leaves the drain time to the router unless told", async () => {
    const { router, end, closes } = fakeRouter();
    await signals()(router);
    process.emit("SIGINT", "SIGINT");
    expect(closes).toEqual([undefined]);
    end.resolve();
    await vi.waitFor(() => expect(listeners()).toBe(before));
  });

  it("logs an error of the close, sets the exit code and stops listening", async () => {
    const { router, end, errors } = fakeRouter();
    await signals()(router);
    process.emit("SIGINT", "SIGINT");
    const failure = new Error("broker gone");
    end.reject(failure);
    await vi.waitFor(() => expect(errors).toEqual([{ err: failure, signal: "SIGINT" }]));
    expect(process.exitCode).toBe(1);
    expect(listeners()).toBe(before);
  });

  it("stops listening when the router closes by other means", async () => {
    const { router, closed } = fakeRouter();
    await signals()(router);
    closed.resolve();
    await closed.promise;
    expect(listeners()).toBe(before);
  });

  it("listens to the signals it is given only", async () => {
    const { router, closed } = fakeRouter();
    await signals({ signals: ["SIGUSR2"] })(router);
    expect(process.listenerCount("SIGUSR2")).toBe(1);
    expect(listeners()).toBe(before);
    closed.resolve();
    await closed.promise;
    expect(process.listenerCount("SIGUSR2")).toBe(0);
  });

  it("refuses bad options", () => {
    expect(() => signals({ signals: [], timeoutMs: -1 })).toThrow(OptionError);
    expect(() => signals({ signals: ["nonsense" as NodeJS.Signals] })).toThrow("signals must be a list");
  });
});
