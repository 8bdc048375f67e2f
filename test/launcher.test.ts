import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ROOT } from "../scripts/workspace.ts";
import { until } from "./until.ts";

/** The package of this Node, as `node_modules` has it. */
const NODE_PACKAGE = dirname(dirname(process.execPath));
const NODE_NAME = basename(NODE_PACKAGE);
const NEEDS = { dependencies: { [NODE_NAME]: "24.0.0" } };
const LOCKED = JSON.stringify({ lockfileVersion: 3, packages: { "": NEEDS, [`node_modules/${NODE_NAME}`]: { version: "24.0.0", integrity: "sha512-AAAA" } } });

/** A fresh clone: the launcher, a lock file of one package, and a program under the name of the benchmarks. */
let clone: string;
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "millrace-clone-"));
  cpSync(join(ROOT, "scripts"), join(clone, "scripts"), { recursive: true });
  write("package.json", JSON.stringify({ private: true, type: "module", ...NEEDS }));
  write("package-lock.json", LOCKED);
  write("npm-cli.cjs", FAKE_NPM);
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

describe("the launcher", () => {
  it("runs a command under the Node of the lock file and ends with its exit code", async () => {
    install();
    write("bench/main.ts", `console.log(process.version, ...process.argv.slice(2)); process.exit(7);`);
    expect(await ended(launch("bench", "a", "b c"))).toEqual({ code: 7, out: `${process.version} a b c\n`, err: "" });
  });

  it("hands a signal on, and waits for the command to end as it likes", async () => {
    install();
    write("bench/main.ts", `process.on("SIGTERM", () => { console.log("stopping"); process.exit(3); }); setInterval(() => {}, 1e6); console.log("ready");`);
    const child = launch("bench");
    const end = ended(child);
    await once(child.stdout as NodeJS.ReadableStream, "data");
    child.kill("SIGTERM");
    expect(await end).toMatchObject({ code: 3, err: "" });
  });

  it("says in one sentence which commands there are", async () => {
    const { code, err } = await ended(launch("brench"));
    expect(code).toBe(1);
    expect(err).toMatch(/^There is no command "brench": known are start, .*\.\n$/);
  });

  it("says in one sentence that the network is missing", async () => {
    const { code, err } = await ended(
      launchWith({ npm_execpath: "", npm_config_registry: "http://127.0.0.1:1", npm_config_cache: join(clone, "cache") }, "bench"),
    );
    expect(code).toBe(1);
    expect(err).toMatch(/^The packages could not be installed because npm did not reach its registry \(ECONNREFUSED\): .*\.\n$/);
    expect(existsSync(join(clone, ".install-lock"))).toBe(false);
  });

  it("installs once when two commands start at once", async () => {
    write("bench/main.ts", `console.log("ran");`);
    const both = await Promise.all([ended(launch("bench")), ended(launch("bench"))]);
    expect(both.map(({ code, out }) => [code, out.endsWith("ran\n")])).toEqual([
      [0, true],
      [0, true],
    ]);
    expect(readFileSync(join(clone, "installs.txt"), "utf8")).toBe("installed\n");
  });

  it("is not joined by a second one while an installer that outlived its launcher is at work", async () => {
    write("bench/main.ts", `console.log("ran");`);
    const first = launch("bench");
    await until(() => readLock().split(" ").length === 2, "npm runs");
    first.kill("SIGKILL");
    await ended(first);
    expect(await ended(launch("bench"))).toMatchObject({ code: 0, err: "" });
    expect(readFileSync(join(clone, "installs.txt"), "utf8")).toBe("installed\n");
  });

  it("that is told to end has ended before another may begin", async () => {
    write("bench/main.ts", `console.log("ran");`);
    const first = launch("bench");
    await until(() => readLock().split(" ").length === 2, "npm runs");
    const npm = Number(readLock().split(" ")[1]);
    first.kill("SIGTERM");
    expect((await ended(first)).code).toBe(143);
    expect(() => process.kill(npm, 0)).toThrow(/ESRCH/);
    expect(existsSync(join(clone, ".install-lock"))).toBe(false);
  });

  it("says in one sentence that the folder may not be written", async () => {
    write("bench/main.ts", `console.log("ran");`);
    chmodSync(clone, 0o555);
    const uid = process.getuid?.() === 0 ? 65_534 : undefined; // for root every folder may be written
    const child = spawn(process.execPath, ["scripts/run.mjs", "bench"], {
      cwd: clone,
      uid,
      env: { PATH: process.env.PATH },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { code, err } = await ended(child);
    chmodSync(clone, 0o755);
    expect([code, err]).toEqual([1, expect.stringMatching(/^The packages could not be installed: .* cannot be written to \(EACCES\)\. .*\n$/)]);
  });

  it("takes over from an installer that died", async () => {
    write("bench/main.ts", `console.log("ran");`);
    write(".install-lock", String(spawnSync(process.execPath, ["-e", ""]).pid));
    expect(await ended(launch("bench"))).toMatchObject({ code: 0, err: "" });
    expect(existsSync(join(clone, ".install-lock"))).toBe(false);
  });
});

function readLock(): string {
  try {
    return readFileSync(join(clone, ".install-lock"), "utf8");
  } catch {
    return "";
  }
}

/** Stands in for npm where a test is about the launcher: takes a moment, and puts the locked package there. */
const FAKE_NPM = `
const { appendFileSync, mkdirSync, symlinkSync, writeFileSync } = require("node:fs");
setTimeout(() => {
  appendFileSync("installs.txt", "installed\\n");
  mkdirSync("node_modules", { recursive: true });
  symlinkSync(${JSON.stringify(NODE_PACKAGE)}, ${JSON.stringify(`node_modules/${NODE_NAME}`)}, "junction");
  writeFileSync("node_modules/.package-lock.json", ${JSON.stringify(LOCKED)});
}, 300);
`;

function install(): void {
  spawnSync(process.execPath, ["npm-cli.cjs"], { cwd: clone });
}

function write(name: string, content: string): void {
  mkdirSync(dirname(join(clone, name)), { recursive: true });
  writeFileSync(join(clone, name), content);
}

function launch(...args: readonly string[]): ChildProcess {
  return launchWith({ npm_execpath: join(clone, "npm-cli.cjs") }, ...args);
}

function launchWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ["scripts/run.mjs", ...args], { cwd: clone, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
}

async function ended(child: ChildProcess): Promise<{ code: number; out: string; err: string }> {
  const output = [text(child.stdout as NodeJS.ReadableStream), text(child.stderr as NodeJS.ReadableStream)] as const;
  const [code] = (await once(child, "exit")) as [number];
  return { code, out: await output[0], err: await output[1] };
}
