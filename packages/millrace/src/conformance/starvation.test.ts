import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { monotonicMs } from "../internal/timers.ts";
import { starvedMs } from "./starvation.ts";

const spin = (forMs: number): void => {
  for (const until = monotonicMs() + forMs; monotonicMs() < until; );
};

/** The last of several looks, since others may use the machine: what does not count is never counted, what counts is counted once. */
function leastOf(looks: number, measure: () => number): number {
  return Math.min(...Array.from({ length: looks }, measure));
}

describe("starvedMs", () => {
  it("does not count what this thread does itself, nor its sleep", () => {
    const during = (act: () => void) => (): number => {
      const before = starvedMs();
      act();
      return starvedMs() - before;
    };
    expect(
      leastOf(
        8,
        during(() => spin(60)),
      ),
    ).toBeLessThan(30);
    if (process.platform === "linux")
      expect(
        leastOf(
          8,
          during(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60)),
        ),
      ).toBeLessThan(30);
  });

  it("counts the time that others had the processor", async () => {
    const rivals = Array.from({ length: availableParallelism() * 2 }, () => fork(fileURLToPath(new URL("testdata/spin.mjs", import.meta.url))));
    try {
      await Promise.all(rivals.map((rival) => new Promise((resolve) => rival.once("message", resolve))));
      const before = starvedMs();
      for (const until = monotonicMs() + 5000; starvedMs() - before < 50 && monotonicMs() < until; ) spin(50);
      expect(starvedMs() - before).toBeGreaterThanOrEqual(50);
    } finally {
      for (const rival of rivals) rival.kill("SIGKILL");
    }
  });
});
