import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isStopped, processIdentity } from "./process-identity.ts";
import { until } from "./until.ts";

export interface DaemonCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly cwd?: string | undefined;
}

/** A process with a group, a log and a pid file of its own: any process that knows the folder finds it and can end it. */
export class Daemon {
  readonly name: string;
  readonly folder: string;

  constructor(name: string, folder: string) {
    this.name = name;
    this.folder = folder;
  }

  get pid(): number | undefined {
    try {
      const [pid, began] = readFileSync(this.#pidFile, "utf8").split(" ", 2);
      return processIdentity(Number(pid)) === began ? Number(pid) : undefined;
    } catch {
      return undefined;
    }
  }

  get #pidFile(): string {
    return join(this.folder, `${this.name}.pid`);
  }

  get #logFile(): string {
    return join(this.folder, `${this.name}.log`);
  }

  log(lines = 20): string {
    try {
      return readFileSync(this.#logFile, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
    } catch {
      return "";
    }
  }

  async start({ program, args, env, cwd }: DaemonCommand): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    const log = openSync(this.#logFile, "w");
    try {
      const child = spawn(program, args, { detached: true, stdio: ["ignore", log, log], env: { ...env }, cwd: cwd ?? this.folder });
      await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
      child.unref();
      writeFileSync(this.#pidFile, `${child.pid} ${processIdentity(child.pid as number)}`);
    } finally {
      closeSync(log);
    }
  }

  /** Does nothing and answers nobody from when this returns, until it thaws: a process of many threads stops one by one. */
  freeze(): void {
    const end = performance.now() + 5_000;
    for (this.signal("SIGSTOP"); this.pid !== undefined && !isStopped(this.pid); pauseThread(2))
      if (performance.now() > end) throw new Error(`${this.name} (process ${this.pid}) runs on 5 s after SIGSTOP`);
  }

  thaw(): void {
    this.signal("SIGCONT");
  }

  /** Sends a signal to the process and to those it started. False when it does not run. */
  signal(signal: NodeJS.Signals): boolean {
    const { pid } = this;
    if (pid === undefined) return false;
    try {
      process.kill(-pid, signal);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
      throw error;
    }
  }

  /** Resolves when it is gone, if need be by SIGKILL. */
  async end(signal: "SIGTERM" | "SIGKILL", patienceMs = 10_000): Promise<void> {
    // What is frozen does not hear SIGTERM.
    if (signal === "SIGTERM") this.signal("SIGCONT");
    if (this.signal(signal) && !(await until(() => this.pid === undefined, patienceMs))) {
      this.signal("SIGKILL");
      if (!(await until(() => this.pid === undefined, 5_000))) throw new Error(`${this.name} (process ${this.pid}) does not end, not even by SIGKILL`);
    }
    rmSync(this.#pidFile, { force: true });
  }
}

/** Holds up this whole thread. */
function pauseThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
