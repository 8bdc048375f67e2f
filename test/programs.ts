import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../scripts/workspace.ts";

export interface Program {
  /** Where it stands: `README.md:24`. */
  readonly place: string;
  readonly code: string;
}

/** A folder of programs, each a module of its own, that see the built packages. */
export class Programs {
  readonly #folder = mkdtempSync(join(tmpdir(), "millrace-programs-"));
  readonly #programs: readonly Program[];

  constructor(programs: readonly Program[]) {
    this.#programs = programs;
    symlinkSync(join(ROOT, "node_modules"), join(this.#folder, "node_modules"), "junction");
    writeFileSync(join(this.#folder, "package.json"), JSON.stringify({ type: "module" }));
    for (const [at, { code }] of programs.entries()) writeFileSync(join(this.#folder, `program-${at}.ts`), code);
  }

  /** What the compiler says, by place. */
  complaints(): string[] {
    if (this.#programs.length === 0) return [];
    const settings = {
      strict: true,
      noEmit: true,
      module: "nodenext",
      target: "es2024",
      lib: ["es2024", "esnext.disposable"],
      types: ["node"],
      moduleDetection: "force",
    };
    writeFileSync(join(this.#folder, "tsconfig.json"), JSON.stringify({ compilerOptions: settings }));
    const compiler = [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", ".", "--pretty", "false"];
    const { stdout } = spawnSync(process.execPath, compiler, { cwd: this.#folder, encoding: "utf8" });
    const lines = stdout.split("\n").filter((line) => line !== "");
    return lines.map((line) => line.replace(/^program-(\d+)\.ts\(.*?\)/, (_, at) => this.#programs[Number(at)]?.place ?? ""));
  }

  /** Runs one in an empty folder of its own, and returns what it printed. */
  run(program: Program, timeoutMs = 20_000): string {
    const at = this.#programs.indexOf(program);
    const cwd = join(this.#folder, `empty-${at}`);
    mkdirSync(cwd);
    const args = ["--disable-warning=ExperimentalWarning", join(this.#folder, `program-${at}.ts`)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8", timeout: timeoutMs });
    return status === 0 ? stdout + stderr : `exit code ${status}\n${stdout}${stderr}`;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
