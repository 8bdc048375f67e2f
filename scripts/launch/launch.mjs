import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { COMMANDS } from "./commands.mjs";
import { installLockedPackages } from "./install.mjs";
import { LaunchError } from "./launch-error.mjs";
import { lockedNode } from "./locked-node.mjs";
import { ROOT } from "./root.mjs";

/** Installs what is missing, then runs a command under the Node of the lock file and ends as it ends. */
export async function launch([name, ...args]) {
  try {
    const command = COMMANDS[name];
    if (command === undefined) throw new LaunchError(`There is no command "${name ?? ""}": known are ${Object.keys(COMMANDS).join(", ")}.`);
    await installLockedPackages();
    run(lockedNode(), [...command, ...args]);
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

function run(node, args) {
  const path = Object.keys(process.env).find((key) => key.toUpperCase() === "PATH") ?? "PATH";
  const child = spawn(node, ["--conditions=millrace:source", "--disable-warning=ExperimentalWarning", ...args], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, [path]: dirname(node) + delimiter + process.env[path] },
  });
  const forward = (signal) => {
    // Ctrl-C in a terminal reaches the child by itself: sent on, it would arrive twice and look like impatience.
    if (signal === "SIGINT" && (process.stdin.isTTY || process.platform === "win32")) return;
    child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, forward);
  child.on("error", (error) => {
    console.error(`This system cannot run the Node 24 of the lock file, ${join(node)} (${error.message}).`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 1;
    if (signal === null) return;
    for (const each of signals) process.off(each, forward);
    process.kill(process.pid, signal);
  });
}
