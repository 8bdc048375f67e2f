import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const MEASURED = ["millrace", "@millrace/sql", "@millrace/kafka", "@millrace/rabbitmq"];

/** A checkout of this repository with its packages installed. The cases are always ours; what they import of Millrace is the checkout's. */
export class Checkout {
  readonly root: string;

  /** @throws Error when it is none, nothing is installed in it, or what is installed leads to the sources of another one. */
  constructor(path: string) {
    this.root = realpathSync(path);
    const { resolve } = createRequire(join(this.root, "package.json"));
    for (const name of MEASURED) {
      const file = found(() => resolve(`${name}/package.json`));
      if (file === undefined) throw new Error(`${this.root} is no checkout with installed packages, ${name} is missing: run npm ci there`);
      if (relative(this.root, file).startsWith("..")) throw new Error(`${name} in ${this.root} leads to ${file}, which is not its own: run npm ci there`);
    }
  }

  /** Its commit, where git knows it, and whether files differ from that. */
  get commit(): string {
    const git = (...args: readonly string[]): string => spawnSync("git", ["-C", this.root, ...args], { encoding: "utf8" }).stdout?.trim() ?? "";
    const commit = git("rev-parse", "--short", "HEAD") || "unknown commit";
    return git("status", "--porcelain", "--", "packages") === "" ? commit : `${commit} with changes`;
  }
}

/** The checkout that this program is part of. */
export const HERE: string = fileURLToPath(new URL("../..", import.meta.url));

function found(resolve: () => string): string | undefined {
  try {
    return resolve();
  } catch {
    return undefined;
  }
}
