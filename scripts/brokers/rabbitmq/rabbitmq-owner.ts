import { spawnSync } from "node:child_process";
import type { DaemonCommand } from "../daemon.ts";
import { findProgram } from "../programs.ts";

/**
 * Runs a command as Debian's user `rabbitmq` when this is root: a broker needs no more rights than that.
 * As whoever asks, where there is no such user, or where it may not enter the folder (a clone inside a private home).
 */
export function asOwner(home: string, { program, args, ...rest }: DaemonCommand): DaemonCommand {
  const setpriv = owner(home);
  return setpriv === undefined ? { program, args, ...rest } : { program: setpriv, args: [...AS_RABBITMQ, program, ...args], ...rest };
}

const AS_RABBITMQ = ["--reuid=rabbitmq", "--regid=rabbitmq", "--init-groups"];
const found = new Map<string, string | undefined>();

function owner(home: string): string | undefined {
  if (!found.has(home)) found.set(home, findOwner(home));
  return found.get(home);
}

function findOwner(home: string): string | undefined {
  const setpriv = process.getuid?.() === 0 ? findProgram("setpriv") : undefined;
  if (setpriv === undefined || spawnSync("chown", ["-R", "rabbitmq:rabbitmq", home]).status !== 0) return undefined;
  return spawnSync(setpriv, [...AS_RABBITMQ, "test", "-w", home]).status === 0 ? setpriv : undefined;
}
