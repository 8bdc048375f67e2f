import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { monotonicMs } from "../internal/timers.ts";
import { starvedMs } from "./starvation.ts";

const spin = (forMs: number): void => {
  for (const until = monotonicMs() + forMs; monotonicMs() < until; );
};

/** What `act` adds to the count when nobody interferes, which on a busy machine is true of one look among many. */
function leastCounted(act: () => void): number {
  let least = Infinity;
  for (let look = 0; look < 500 && least >= 1; look++) {
    const before = starvedMs();
    act();
    least = Math.min(least, starvedMs() - before);
  }
  return least;
}

describe("starvedMs", () => {
  it("does not count what this thread does itself, nor its sleep", () => {
    expect(leastCounted(() => spin(3))).toBeLessThan(1);
    if (process.platform === "linux") expect(leastCounted(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3))).toBeLessThan(1);
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
