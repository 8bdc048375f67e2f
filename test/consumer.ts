import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packages, ROOT } from "../scripts/workspace.ts";

/** A program that has done its work and does not end keeps something open. */
const LIMIT_MS = 60_000;

/** Packs every package and installs the tarballs in an empty project, as a user would; `millrace` also a second time, as `millrace-again`. */
export class Consumer implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "millrace-consumer-"));
  /** The packed files by package name. */
  readonly tarballs: ReadonlyMap<string, string>;

  constructor() {
    this.tarballs = new Map(packages().map(({ name, path }) => [name, this.#pack(path)]));
    const dependencies = Object.fromEntries([...this.tarballs].map(([name, tarball]) => [name, `file:${tarball}`]));
    this.write("package.json", JSON.stringify({ private: true, type: "module", dependencies: { ...dependencies, "millrace-again": dependencies.millrace } }));
    this.#npm(this.path, "install", "--prefer-offline", "--install-links");
    const types = join(this.path, "node_modules/@types");
    mkdirSync(types, { recursive: true });
    symlinkSync(join(ROOT, "node_modules/@types/node"), join(types, "node"), "junction");
  }

  write(name: string, text: string): string {
    const file = join(this.path, name);
    writeFileSync(file, text);
    return file;
  }

  /** Runs a program there and returns what it printed; what went wrong when it failed. */
  run(node: string, ...args: readonly string[]): string {
    const { PATH, HOME } = process.env;
    const { status, stdout, stderr } = spawnSync(node, args, { cwd: this.path, encoding: "utf8", env: { PATH, HOME }, timeout: LIMIT_MS });
    if (status === null) return `still running after ${LIMIT_MS / 1000} s, having printed\n${stdout}${stderr}`;
    return status === 0 && stderr === "" ? stdout : `exit code ${status}\n${stdout}${stderr}`;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #pack(path: string): string {
    const before = new Set(readdirSync(this.path));
    this.#npm(path, "pack", "--pack-destination", this.path);
    const tarball = readdirSync(this.path).find((name) => name.endsWith(".tgz") && !before.has(name));
    if (tarball === undefined) throw new Error(`npm pack made nothing of ${path}`);
    return join(this.path, tarball);
  }

  #npm(cwd: string, ...args: readonly string[]): void {
    // What npm says to the scripts it runs is about this repository.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
    const { status, stderr } = spawnSync("npm", [...args, "--ignore-scripts", "--no-audit", "--no-fund"], {
      cwd,
      env,
      encoding: "utf8",
      shell: process.platform === "win32",
    });
    if (status !== 0) throw new Error(`npm ${args[0]} failed in ${cwd}\n${stderr}`);
  }
}
