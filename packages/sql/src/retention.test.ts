import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Log } from "./dialect.ts";
import { Retention } from "./retention.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("retention", () => {
  it("tries again later when it cannot delete, though its logger throws", async () => {
    let rounds = 0;
    const purge = async (): Promise<number> => {
      if (++rounds < 3) throw new Error("locked");
      return 0;
    };
    const throws = (): never => {
      throw new Error("the disk is full");
    };
    const retention = new Retention({ purge } as unknown as Log, { everyMs: 10 }, { trace: throws, debug: throws, info: throws, warn: throws, error: throws });
    retention.add("t");
    await vi.advanceTimersByTimeAsync(30);
    retention.stop();
    expect(rounds).toBe(3);
  });
});
