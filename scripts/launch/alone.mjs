import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { LaunchError } from "./launch-error.mjs";

/** How long a child may take to end that was told to. */
const END_MS = 5_000;

/**
 * Runs `work` while holding a lock file that names this process, and the child that `work` passes to the function it gets: a child that
 * outlives this process still holds the lock. Waits for whoever holds it, unless those processes are gone.
 */
export async function alone(lock, work) {
  for (let told = false; !take(lock); told = true) {
    const holder = holderOf(lock);
    if (holder === undefined) {
      rmSync(lock, { force: true });
      continue;
    }
    if (!told) console.log(`Another command (process ${holder}) is installing the packages: waiting for it.`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  let child;
  const hold = (started) => {
    child = started;
    if (child.pid !== undefined) writeFileSync(lock, `${process.pid} ${child.pid}`);
  };
  const release = () => rmSync(lock, { force: true });
  const stop = async (signal) => {
    await ended(child);
    release();
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    return await work(hold);
  } finally {
    release();
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw new LaunchError(`The packages could not be installed: ${dirname(lock)} cannot be written to (${error.code}). Use a folder that is yours.`);
  }
}

/** Tells a child to end, and waits until it has. */
async function ended(child) {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const end = new Promise((resolve) => child.once("exit", resolve));
  child.kill();
  const late = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await end;
  clearTimeout(late);
}

/** A process that holds the lock; `undefined` when all have died, or left nothing but an empty file. */
function holderOf(lock) {
  try {
    const { mtimeMs } = statSync(lock);
    const pids = readFileSync(lock, "utf8").split(" ").map(Number);
    if (pids[0] === 0) return Date.now() - mtimeMs < 10_000 ? "unknown" : undefined;
    return pids.find(lives);
  } catch {
    return undefined;
  }
}

function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM"; // another user's
  }
}
