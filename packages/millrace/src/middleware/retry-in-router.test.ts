import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { callBehind, received } from "./received.fixture.ts";
import { retry } from "./retry.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const failure = new Error("boom");
const exact = { minDelayMs: 20, maxDelayMs: 1_000, multiplier: 2, jitter: 0 };

describe("the wait of a retry in a router", () => {
  it("rests while it waits, in a way that time limits count", async () => {
    const message = received();
    const result = retry({ ...exact, maxRetries: 1 })(async () => Promise.reject(failure))(message) as Promise<unknown>;
    const outcome = expect(result).rejects.toBe(failure);
    await vi.advanceTimersByTimeAsync(10);
    expect(callBehind(message).rests).toEqual([{ counts: true }]);
    expect(callBehind(message).resting).toBe(false);
    await vi.advanceTimersByTimeAsync(10);
    await outcome;
  });

  it("ends a wait at once when the router drains, with no further call, hook or line", async () => {
    const logger = new RecordingLogger();
    const hook = vi.fn();
    const message = received();
    let calls = 0;
    const handle = retry({ ...exact, onRetry: hook, logger })(() => {
      calls++;
      throw failure;
    });
    const result = handle(message) as Promise<unknown>;
    await vi.advanceTimersByTimeAsync(5);
    const back = callBehind(message).drain();
    await expect(result).rejects.toBe(back);
    expect([calls, hook.mock.calls.length, logger.lines.length]).toEqual([1, 1, 1]);
    expect(vi.getTimerCount()).toBe(0);
    expect(message.verdict).toBeUndefined();
  });

  it("begins no wait when the router drains already, and announces none", async () => {
    const logger = new RecordingLogger();
    const hook = vi.fn();
    const message = received();
    const back = callBehind(message).drain();
    await expect(retry({ ...exact, onRetry: hook, logger })(() => Promise.reject(failure))(message)).rejects.toBe(back);
    expect([hook.mock.calls.length, logger.lines.length]).toEqual([0, 0]);
  });
});
