import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";

/** Runs `work` while holding a lock file that names this process; waits for whoever holds it, unless that process is gone. */
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
  const release = () => rmSync(lock, { force: true });
  const stop = (signal) => {
    release();
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    return await work();
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
    if (error.code !== "EEXIST") throw error;
    return false;
  }
}

/** The process that holds the lock; `undefined` when it has died, or left nothing but an empty file. */
function holderOf(lock) {
  try {
    const { mtimeMs } = statSync(lock);
    const pid = Number(readFileSync(lock, "utf8"));
    if (pid === 0) return Date.now() - mtimeMs < 10_000 ? "unknown" : undefined;
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return error.code === "EPERM" ? "of another user" : undefined;
  }
}
