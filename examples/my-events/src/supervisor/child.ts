import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** The exit code of a process that cannot run as it is configured: starting it again would not help. */
export const EXIT_CONFIG = 78;

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
/** A process that ran this long was well: its next restart is quick again. */
const WELL_AFTER_MS = 10_000;
const STOP_PATIENCE_MS = 10_000;

export interface ChildOptions {
  readonly name: string;
  /** The script and its arguments. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** A line that the process printed, or one about it. */
  readonly print: (line: string) => void;
  /** The process says that it is ready, with what it has to say. */
  readonly onReady: (urls: Readonly<Record<string, string>>) => void;
  /** It cannot run as it is configured. */
  readonly onHopeless: () => void;
}

/** One process that is kept running: when it dies it is started again, after a delay that grows while it keeps dying. */
export class Child {
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #delayMs = FIRST_DELAY_MS;
  #stopping = false;
  #stopped: Promise<void> | undefined;

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  start(): void {
    const { args, env, print, onReady, onHopeless } = this.#options;
    const began = performance.now();
    const child = spawn(process.execPath, [...process.execArgv, ...args], { env, stdio: ["ignore", "pipe", "pipe", "ipc"] });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) if (stream !== null) createInterface({ input: stream }).on("line", print);
    child.on("message", (message) => {
      if (typeof message === "object" && message !== null && "ready" in message) onReady(message.ready as Record<string, string>);
    });
    child.on("error", (error) => print(`cannot be started: ${error.message}`));
    child.on("exit", (code, signal) => {
      this.#process = undefined;
      if (this.#stopping) return;
      if (code === EXIT_CONFIG) return onHopeless();
      if (performance.now() - began > WELL_AFTER_MS) this.#delayMs = FIRST_DELAY_MS;
      print(`died (${signal ?? `exit code ${code}`}), starting again`);
      this.#restart = setTimeout(() => this.start(), this.#delayMs);
      this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_DELAY_MS);
    });
  }

  /** Asks it to end, and ends it when it does not within ten seconds. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  kill(): void {
    this.#process?.kill("SIGKILL");
  }

  #stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
      child.once("close", () => {
        clearTimeout(impatience);
        resolve();
      });
      child.kill("SIGTERM");
    });
  }
}
