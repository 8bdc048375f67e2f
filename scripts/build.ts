import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packages, ROOT } from "./workspace.ts";

/**
 * Compiles every package to ECMAScript modules and declarations in its `dist`, one file for each source file, so that subpaths
 * share their modules. Returns what the compiler complained about; what it could make is there all the same.
 */
export function build(): string {
  const out = mkdtempSync(join(tmpdir(), "millrace-build-"));
  try {
    const compiler = spawnSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json", "--outDir", out], {
      cwd: ROOT,
      encoding: "utf8",
    });
    for (const { folder, path } of packages()) {
      const compiled = join(out, "packages", folder, "src");
      if (!existsSync(compiled)) continue;
      nameCompiledFiles(compiled);
      rmSync(join(path, "dist"), { recursive: true, force: true });
      cpSync(compiled, join(path, "dist"), { recursive: true });
      cpSync(join(ROOT, "LICENSE"), join(path, "LICENSE"));
    }
    return compiler.stdout;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** The compiler leaves `./x.ts` in declarations, where some readers of packages look for `./x.js`. */
function nameCompiledFiles(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".d.ts")) continue;
    const file = join(folder, name);
    writeFileSync(file, readFileSync(file, "utf8").replace(/((?:\bfrom|\bimport)\s*\(?\s*"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"'));
  }
}

if (import.meta.main) {
  const complaints = build();
  process.stdout.write(complaints);
  process.exitCode = complaints === "" ? 0 : 1;
}
