import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type Mutant, mutated } from "./mutant.ts";

const LEFT_OUT = new Set([".git", ".brokers", "node_modules", "dist", "coverage", "data"]);

/** A copy of a checkout to break things in: its sources are its own, the packages it needs are links. */
export class Copy {
  readonly root: string = realpathSync(mkdtempSync(join(tmpdir(), "millrace-mutate-")));

  constructor(checkout: string) {
    cpSync(checkout, this.root, { recursive: true, filter: (path) => path === checkout || !LEFT_OUT.has(basename(path)) });
    linkPackages(join(checkout, "node_modules"), join(this.root, "node_modules"));
    // The programs of brokers, which are fetched once.
    const brokers = join(checkout, ".brokers");
    if (existsSync(brokers)) symlinkSync(brokers, join(this.root, ".brokers"), "junction");
  }

  /** The path of a file in this copy. */
  path(file: string): string {
    return join(this.root, file);
  }

  /** Breaks what the mutant breaks, and returns what mends it again. */
  breakBy(mutant: Mutant): () => void {
    const path = this.path(mutant.file);
    const sound = readFileSync(path, "utf8");
    writeFileSync(path, mutated(sound, mutant));
    return () => writeFileSync(path, sound);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Links each installed package; the packages of the workspace are links already, and lead to those of the copy. */
function linkPackages(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    const path = join(from, name);
    if (lstatSync(path).isSymbolicLink()) symlinkSync(readlinkSync(path), join(to, name), "junction");
    else if (name.startsWith("@")) linkPackages(path, join(to, name));
    else if (!name.startsWith(".")) symlinkSync(path, join(to, name), "junction");
  }
}
