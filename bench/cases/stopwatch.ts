import type { Figures } from "../harness/case.ts";

/** Wall time and processor time (all threads of this process, garbage collection and compiler too) since it was made. */
export class Stopwatch {
  readonly #cpu = process.cpuUsage();
  readonly #began = performance.now();

  /** For so many messages: how many a second, how many in a second of processor time, nanoseconds for each, and how many cores were busy. */
  figures(count: number): Figures {
    const elapsed = performance.now() - this.#began;
    const { user, system } = process.cpuUsage(this.#cpu);
    const cpuMs = (user + system) / 1000;
    return {
      perSecond: (count / elapsed) * 1000,
      perCpuSecond: (count / cpuMs) * 1000,
      ns: (elapsed * 1e6) / count,
      cpuNs: (cpuMs * 1e6) / count,
      cores: cpuMs / elapsed,
    };
  }
}
