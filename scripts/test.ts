/** `npm test [-- <part>…]`: everything, or the parts named: a package, an example, a folder or a file. */
import { globSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { runTests } from "./run-tests.ts";
import { packages, ROOT } from "./workspace.ts";

const NAMED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(packages().map(({ name, folder }) => [name, `packages/${folder}`])),
  "my-events": "examples/my-events",
  "hello-router": "examples/hello-router",
};

/** Whole paths of files, for the test runner takes whatever contains what it is given. */
function filesOf(part: string): string[] {
  const path = part in NAMED ? join(ROOT, NAMED[part] as string) : resolve(process.env.INIT_CWD ?? ROOT, part);
  const found = statSync(path, { throwIfNoEntry: false });
  const files = found?.isDirectory() ? globSync("**/*.test.ts", { cwd: path, exclude: ["**/node_modules/**"] }).map((file) => join(path, file)) : [path];
  if (found !== undefined && files.length > 0) return files;
  console.error(`There are no tests in "${part}": name ${Object.keys(NAMED).join(", ")}, a folder or a file.`);
  process.exit(1);
}

const args = process.argv.slice(2);
const options = args.findIndex((arg) => arg.startsWith("-"));
const parts = options === -1 ? args : args.slice(0, options);
await runTests([...parts.flatMap(filesOf), ...args.slice(parts.length)]);
