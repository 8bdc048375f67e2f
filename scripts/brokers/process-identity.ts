import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** The moment when a process began, which tells it from a later one of the same number; undefined when it is gone. A zombie is gone. */
export function processIdentity(pid: number): string | undefined {
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
}

function fromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // After the name, which may hold anything: state, parent, … and the 20th is the start time.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function fromPs(pid: number): string | undefined {
  const { stdout } = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" });
  const [, state, began] = /^(\S+)\s+(.+)$/m.exec(stdout?.trim() ?? "") ?? [];
  return state?.startsWith("Z") ? undefined : began;
}
