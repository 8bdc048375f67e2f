import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MillraceError, OptionError, PermanentError } from "../errors/index.ts";
import { silentLogger } from "../logger/index.ts";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { type Handler, isPromise, Message, type ReceivedMessage } from "../message/index.ts";
import { uncounted } from "../message/uncounted.ts";
import { ReceivedFixture, received } from "./received.fixture.ts";
import { type RetryEvent, type RetryOptions, retry } from "./retry.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const failure = new Error("boom");

/** Fails `failures` times, then succeeds; runs the clock until it has ended. */
async function run(options: RetryOptions, failures = Infinity, message: ReceivedMessage = received()) {
  const began = performance.now();
  const at: number[] = [];
  const handle: Handler = async () => {
    at.push(performance.now() - began);
    if (at.length <= failures) throw failure;
    return new Message("done");
  };
  const ended = (async () => retry(options)(handle)(message))().then(
    (produced) => ({ produced, error: undefined }),
    (error: unknown) => ({ produced: undefined, error }),
  );
  await vi.runAllTimersAsync();
  return { at, ...(await ended) };
}

const exact = { minDelayMs: 20, maxDelayMs: 1_000, multiplier: 2, jitter: 0 };

describe("retry", () => {
  it("tries three times more by default, then fails with the handler's own error", async () => {
    const { at, error } = await run({ jitter: 0 });
    expect(at).toEqual([0, 100, 300, 700]);
    expect(error).toBe(failure);
  });

  it("ends at the first success and gives its result only", async () => {
    const { at, produced } = await run(exact, 2);
    expect(at).toEqual([0, 20, 60]);
    expect((produced as Message).text()).toBe("done");
  });

  it("does not try again with 0 retries, and throws at once for a synchronous handler", () => {
    let calls = 0;
    const handle = retry({ maxRetries: 0 })(() => {
      calls++;
      throw failure;
    });
    expect(() => handle(received())).toThrow(failure);
    expect(calls).toBe(1);
  });

  it("keeps a synchronous success free of promises", () => {
    expect(isPromise(retry()(() => new Message("1"))(received()))).toBe(false);
  });

  it("caps every wait, jitter included", async () => {
    const { at } = await run({ ...exact, maxRetries: 5, maxDelayMs: 50 });
    expect(at).toEqual([0, 20, 60, 110, 160, 210]);
    vi.spyOn(Math, "random").mockReturnValue(1);
    const drawn = await run({ ...exact, maxRetries: 2, maxDelayMs: 50, jitter: 1 });
    expect(drawn.at).toEqual([0, 40, 90]);
  });

  it("draws each wait within the jitter", async () => {
    const random = vi.spyOn(Math, "random");
    random.mockReturnValue(0);
    expect((await run({ ...exact, maxRetries: 1, jitter: 0.5 })).at).toEqual([0, 10]);
    random.mockReturnValue(0.75);
    expect((await run({ ...exact, maxRetries: 1, jitter: 0.5 })).at).toEqual([0, 25]);
  });

  it("tells hooks the delay that is waited, before each wait, and asks first", async () => {
    const events: [string, RetryEvent][] = [];
    const note = (name: string) => (event: RetryEvent) => {
      events.push([name, event]);
      return true;
    };
    const message = received();
    const { at } = await run({ ...exact, jitter: 0.5, shouldRetry: note("asked"), onRetry: note("told") }, Infinity, message);
    expect(events.map(([name, event]) => `${name} ${event.attempt}`)).toEqual(["asked 1", "told 1", "asked 2", "told 2", "asked 3", "told 3"]);
    const told = events.filter(([name]) => name === "told").map(([, event]) => event);
    expect(told.map((event, index) => (at[index] as number) + event.delayMs)).toEqual(at.slice(1));
    expect(told.every((event) => event.error === failure && event.message === message)).toBe(true);
  });

  it("grows its waits the same with hooks as without", async () => {
    const hooks = { shouldRetry: () => true, onRetry: () => {} };
    expect((await run({ ...exact, ...hooks })).at).toEqual((await run(exact)).at);
  });

  it("stops with the handler's error when shouldRetry says no", async () => {
    const { at, error } = await run({ ...exact, shouldRetry: ({ attempt }) => attempt < 2 });
    expect(at).toEqual([0, 20]);
    expect(error).toBe(failure);
  });

  it("stops at once on a permanent error, also as a cause", async () => {
    const permanent = new PermanentError("bad");
    for (const error of [permanent, new Error("wrapped", { cause: permanent })]) {
      let calls = 0;
      const handle = retry(exact)(async () => {
        calls++;
        throw error;
      });
      await expect(handle(received())).rejects.toBe(error);
      expect(calls).toBe(1);
    }
  });

  it("begins no retry after the most elapsed time, the handler's own time included", async () => {
    const { at } = await run({ ...exact, maxRetries: Infinity, maxElapsedMs: 100 });
    expect(at).toEqual([0, 20, 60]); // the next would begin at 140
    let calls = 0;
    const slow = retry({ ...exact, maxElapsedMs: 100 })(async () => {
      calls++;
      await vi.advanceTimersByTimeAsync(90);
      throw failure;
    });
    await expect(slow(received())).rejects.toBe(failure);
    expect(calls).toBe(1);
  });

  it("goes on for ever with Infinity", async () => {
    const { at, produced } = await run({ ...exact, maxDelayMs: 20, maxRetries: Infinity }, 500);
    expect(at).toHaveLength(501);
    expect(produced).toBeInstanceOf(Message);
  });

  it("ends a wait with the signal's reason, without another call", async () => {
    const message = received();
    const lost = new MillraceError("lost", { code: "DELIVERY_LOST" });
    let calls = 0;
    const result = retry(exact)(() => {
      calls++;
      throw failure;
    })(message) as Promise<unknown>;
    const outcome = expect(result).rejects.toBe(lost);
    await vi.advanceTimersByTimeAsync(5);
    message.lose(lost);
    await outcome;
    expect(calls).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not try again when the failure is the abort itself", async () => {
    const message = received();
    const lost = new MillraceError("lost", { code: "DELIVERY_LOST" });
    message.abort(lost);
    const hook = vi.fn();
    await expect(retry({ ...exact, onRetry: hook })(async () => Promise.reject(new Error("fetch failed", { cause: lost })))(message)).rejects.toThrow(
      "fetch failed",
    );
    expect(hook).not.toHaveBeenCalled();
  });

  it("leaves a message alone that was nacked inside", async () => {
    const fixture = new ReceivedFixture();
    let calls = 0;
    const handle = retry(exact)((message) => {
      calls++;
      message.nack({ delayMs: 5 });
      throw failure;
    });
    await expect(handle(fixture.message)).rejects.toBe(failure);
    expect(calls).toBe(1);
    expect(fixture.verdicts).toEqual([{ delayMs: 5 }]);
  });

  it("goes on after an instant ack", async () => {
    const message = received();
    message.ack();
    expect((await run(exact, 2, message)).at).toHaveLength(3);
  });

  it("goes on as it would without hooks when they throw, and logs each throw", async () => {
    const broken = new TypeError("hook");
    const throws = (): never => {
      throw broken;
    };
    const logger = new RecordingLogger();
    const { at, error } = await run({ ...exact, onRetry: throws, shouldRetry: throws, logger });
    expect(at).toEqual((await run(exact)).at);
    expect(error).toBe(failure);
    for (const hook of ["onRetry", "shouldRetry"]) expect(logger.lines.filter(({ fields }) => fields.hook === hook && fields.err === broken)).toHaveLength(3);
  });

  it("goes on when its logger throws", async () => {
    const warn = (): never => {
      throw new Error("the disk is full");
    };
    expect((await run({ ...exact, logger: { ...silentLogger, warn } }, 2)).produced).toBeInstanceOf(Message);
  });

  it("logs each retry with its number and wait", async () => {
    const lines: object[] = [];
    await run({ ...exact, maxRetries: 2, logger: { ...silentLogger, warn: (fields) => void lines.push(fields) } });
    expect(lines).toMatchObject([
      { attempt: 1, delayMs: 20, err: failure, messageId: "m-1", topic: "orders" },
      { attempt: 2, delayMs: 40 },
    ]);
  });

  it("lets an error pass at once that counts no attempt, asking and telling nobody", async () => {
    const hook = vi.fn(() => true);
    const error = new Error("not now", { cause: uncounted(new Error("turned away")) });
    let calls = 0;
    const handle = retry({ ...exact, onRetry: hook, shouldRetry: hook })(async () => {
      calls++;
      throw error;
    });
    await expect(handle(received())).rejects.toBe(error);
    expect(calls).toBe(1);
    expect(hook).not.toHaveBeenCalled();
  });

  it("waits at least as long as the error asks for", async () => {
    for (const [askedMs, waitedMs] of [
      [5, 20],
      [300, 300],
    ] as const) {
      const busy = new Error("busy", { cause: { retryAfterMs: askedMs } });
      const at: number[] = [];
      const began = performance.now();
      const told: number[] = [];
      const handle = retry({ ...exact, onRetry: ({ delayMs }) => void told.push(delayMs) })(async () => {
        at.push(performance.now() - began);
        if (at.length === 1) throw busy;
      });
      const result = handle(received());
      await vi.runAllTimersAsync();
      await result;
      expect([at, told]).toEqual([[0, waitedMs], [waitedMs]]);
    }
  });

  it("leaves it to the router when the error asks for more than it may wait", async () => {
    for (const options of [{ maxDelayMs: 100 }, { maxElapsedMs: 100 }]) {
      const busy = Object.assign(new Error("busy"), { retryAfterMs: 101 });
      const hook = vi.fn();
      let calls = 0;
      const handle = retry({ minDelayMs: 20, jitter: 0, onRetry: hook, ...options })(async () => {
        calls++;
        throw busy;
      });
      await expect(handle(received())).rejects.toBe(busy);
      expect(calls).toBe(1);
      expect(hook).not.toHaveBeenCalled();
    }
  });

  it("takes one bound alone without a conflict with the other's default", () => {
    expect(() => retry({ maxDelayMs: 10 })).not.toThrow();
    expect(() => retry({ minDelayMs: 60_000 })).not.toThrow();
  });

  it("refuses bad options, all at once", () => {
    const bad = {
      maxRetries: -1,
      minDelayMs: 10,
      maxDelayMs: 5,
      multiplier: 0.5,
      jitter: 2,
      maxElapsedMs: -1,
      onRetry: 1,
      shouldRetry: 1,
    } as unknown as RetryOptions;
    try {
      retry(bad);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(OptionError);
      expect((error as OptionError).problems).toHaveLength(7);
    }
  });
});
