import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";

/** The machine, its Node, and how busy it was: one line. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const load = loadavg()[0] ?? 0;
  return `Node ${process.versions.node} (V8 ${process.versions.v8}, SQLite ${process.versions.sqlite ?? "none"}), ${availableParallelism()} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()} ${process.arch}, load before the run ${load.toFixed(1)}, ${new Date().toISOString().slice(0, 10)}`;
}
