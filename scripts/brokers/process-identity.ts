import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** The moment when a process began, which tells it from a later one of the same number; undefined when it is gone. A zombie is gone. */
export function processIdentity(pid: number): string | undefined {
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
}

/** Whether a signal has stopped it, with all its threads where the system shows them. */
export function isStopped(pid: number): boolean {
  if (process.platform !== "linux") return /^T/.test(spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).stdout?.trim() ?? "");
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => /^[TZX]/.test(fieldsOf(`/proc/${pid}/task/${thread}/stat`)[0] ?? ""));
  } catch {
    return false;
  }
}

function fromProc(pid: number): string | undefined {
  try {
    // State, parent, … and the 20th is the start time.
    const fields = fieldsOf(`/proc/${pid}/stat`);
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** What stands after the name, which may hold anything. */
function fieldsOf(file: string): string[] {
  const stat = readFileSync(file, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function fromPs(pid: number): string | undefined {
  const { stdout } = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" });
  const [, state, began] = /^(\S+)\s+(.+)$/m.exec(stdout?.trim() ?? "") ?? [];
  return state?.startsWith("Z") ? undefined : began;
}
