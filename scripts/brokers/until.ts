import { setTimeout as wait } from "node:timers/promises";

/** Waits for something to become true: false when it did not in time. */
export async function until(holds: () => boolean | Promise<boolean>, patienceMs: number, everyMs = 50): Promise<boolean> {
  const end = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > end) return false;
    await wait(everyMs);
  }
  return true;
}
