import { readdirSync, readFileSync } from "node:fs";
import { monotonicMs } from "../internal/timers.ts";

const TASKS = "/proc/self/task";
const JIFFY_MS = 10;

/**
 * Milliseconds so far, from any beginning, in which this process wanted a processor and had none: because others had it, or
 * because the machine under this one had taken it away. What a measurement of time may leave out, since it says nothing about the
 * code measured; time in which this thread ran, slept or waited for a disk is not in it.
 *
 * On Linux the kernel counts it: the wait of each thread in the run queue (`/proc/<pid>/task/<tid>/schedstat`; all threads, since
 * the main one waits for those that collect garbage) and the time stolen from a virtual machine. Elsewhere it is all the time that this
 * thread was off the processor.
 *
 * ```ts
 * const [began, before] = [performance.now(), starvedMs()];
 * await router.idle();
 * const tookMs = performance.now() - began - (starvedMs() - before);
 * ```
 */
export function starvedMs(): number {
  try {
    let queuedNs = 0;
    for (const task of readdirSync(TASKS)) queuedNs += queuedOf(task);
    return queuedNs / 1e6 + stolenMs();
  } catch {
    const { user, system } = process.threadCpuUsage();
    return monotonicMs() - (user + system) / 1000;
  }
}

/** A thread that has ended meanwhile has no file any more: it waits for nothing. */
function queuedOf(task: string): number {
  try {
    return Number(readFileSync(`${TASKS}/${task}/schedstat`, "latin1").split(" ")[1]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return 0;
    if (task === String(process.pid)) throw error; // the kernel does not count it
    return 0;
  }
}

function stolenMs(): number {
  const [, , , , , , , , steal = "0"] = readFileSync("/proc/stat", "latin1").split("\n", 1)[0]?.split(/ +/) ?? [];
  return Number(steal) * JIFFY_MS;
}
