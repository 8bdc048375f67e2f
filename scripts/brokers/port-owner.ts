import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const LISTENING = "0A";

/** Who listens on a port, as far as this system lets us see: `java (process 123)`. */
export function portOwner(port: number): string | undefined {
  const inode = inodeOf(port);
  if (inode === undefined) return undefined;
  for (const pid of entries("/proc").filter((name) => /^\d+$/.test(name)))
    if (entries(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`))
      return `${read(`/proc/${pid}/comm`).trim()} (process ${pid})`;
  return undefined;
}

function inodeOf(port: number): string | undefined {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = `${read("/proc/net/tcp")}\n${read("/proc/net/tcp6")}`.split("\n").map((row) => row.trim().split(/\s+/));
  return rows.find((row) => row[1]?.endsWith(ending) && row[3] === LISTENING)?.[9];
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
