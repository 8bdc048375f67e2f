import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../scripts/workspace.ts";

export interface SourceFile {
  /** From the root: `packages/millrace/src/message/after.ts`. */
  readonly path: string;
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
  /** A test, or what only tests use: it is not published. */
  readonly isTest: boolean;
}

const UNPUBLISHED = /\.(test|fixture)\.ts$|\/testdata\/|^packages\/(?!millrace\/)[^/]+\/src\/testing\//;

/** Every file of the repository that git keeps or would keep. */
export function repositoryFiles(): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" });
  return [...new Set(listed.trim().split("\n"))].filter((path) => existsSync(join(ROOT, path))).sort();
}

export function readSource(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), "utf8");
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
  return { path, text, code, isTest: UNPUBLISHED.test(path) };
}

/** The sources of all packages that get published. */
export function packageSources(): readonly SourceFile[] {
  return repositoryFiles()
    .filter((path) => /^packages\/[^/]+\/src\/.*\.ts$/.test(path))
    .map(readSource)
    .filter(({ isTest }) => !isTest);
}
