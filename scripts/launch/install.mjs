import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { alone } from "./alone.mjs";
import { LaunchError } from "./launch-error.mjs";
import { lockedNodePath } from "./locked-node.mjs";
import { ROOT } from "./root.mjs";

const NETWORK = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENOTCACHED)\b/;

/** Runs `npm ci` unless the packages of the lock file are there already. Several launchers at once make one installation. */
export async function installLockedPackages() {
  const node = lockedNodePath();
  const installed = () => existsSync(node) && missing(lockedPackages(), installedPackages()).length === 0;
  if (installed()) return;
  await alone(join(ROOT, ".install-lock"), async (hold) => {
    if (!installed()) await npmCi(hold);
  });
}

function lockedPackages() {
  return JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")).packages;
}

/** npm writes this file last, so an installation that was cut off has none. */
function installedPackages() {
  try {
    return JSON.parse(readFileSync(join(ROOT, "node_modules/.package-lock.json"), "utf8")).packages;
  } catch {
    return {};
  }
}

/** The paths of the locked packages that this system needs and that are absent or of another version. */
function missing(locked, installed) {
  return Object.keys(locked).filter((path) => {
    if (path === "") return false;
    const wanted = locked[path];
    const found = installed[path];
    if (found !== undefined) return wanted.version !== found.version || wanted.integrity !== found.integrity || !existsSync(join(ROOT, path));
    return !wanted.optional || (wanted.os !== undefined && wanted.libc === undefined && fits(wanted.os, process.platform) && fits(wanted.cpu, process.arch));
  });
}

function fits(allowed, mine) {
  return allowed === undefined || [allowed].flat().includes(mine);
}

async function npmCi(hold) {
  const locked = lockedPackages();
  const wanted = missing(locked, {}).filter((path) => locked[path].link !== true && path.includes("node_modules/"));
  const { devDependencies = {}, optionalDependencies = {} } = locked[""];
  const tools = Object.keys({ ...devDependencies, ...optionalDependencies }).filter((name) => wanted.includes(`node_modules/${name}`));
  console.log(
    `Installing the ${wanted.length} packages of package-lock.json, this once: ${tools.map((name) => `${name} ${locked[`node_modules/${name}`].version}`).join(", ")}, and what they need.`,
  );
  const report = setInterval(() => {
    const there = wanted.filter((path) => existsSync(join(ROOT, path, "package.json"))).length;
    console.log(`  ${there} of ${wanted.length} packages are unpacked`);
  }, 3_000);
  // No package here needs an install script: every binary is a package of its own.
  const args = [
    "ci",
    "--ignore-scripts",
    "--include=dev",
    "--include=optional",
    "--prefer-offline",
    "--loglevel=error",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
  ];
  const { code, output } = await npm(args, hold).finally(() => clearInterval(report));
  if (code === 0) return console.log("Installed.");
  const network = NETWORK.exec(output);
  if (network !== null)
    throw new LaunchError(
      `The packages could not be installed because npm did not reach its registry (${network[1]}): check the network, then run the same command again.`,
    );
  const reason = output
    .split("\n")
    .filter((line) => /^npm (error|ERR!)/.test(line))
    .slice(0, 6)
    .join("\n");
  throw new LaunchError(`The packages could not be installed: npm ci ended with code ${code}.\n${reason}`);
}

function npm(args, hold) {
  const script = process.env.npm_execpath;
  const [file, before] = /npm-cli\.[cm]?js$/.test(script ?? "") ? [process.execPath, [script]] : [process.platform === "win32" ? "npm.cmd" : "npm", []];
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...before, ...args], {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "pipe"],
      shell: process.platform === "win32" && before.length === 0,
    });
    hold(child);
    process.once("exit", () => child.kill());
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (output += text));
    child.on("error", (error) => reject(new LaunchError(`npm could not be started (${error.message}): it comes with Node.`)));
    child.on("close", (code) => resolve({ code, output }));
  });
}
