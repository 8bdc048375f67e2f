import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TestContext } from "vitest";
import { until } from "../until.ts";

export interface Reminder {
  /** The delay, in milliseconds. */
  readonly text: string;
  readonly lateMs: number;
}

const START_MS = 60_000;

/** A run of the program; killed when the test ends. */
export class RemindersProcess {
  readonly reminders: Reminder[] = [];
  readonly #child: ChildProcess;
  #said = new Set<string>();
  #errors = "";

  constructor(
    context: TestContext,
    role: "send" | "receive" | "both",
    url: string,
    delays: string | undefined,
    topic: string,
    delaysMs: readonly number[] = [],
  ) {
    const program = fileURLToPath(new URL("reminders.ts", import.meta.url));
    const args = ["--conditions=millrace:source", program, role, url, delays ?? "-", topic, ...delaysMs.map(String)];
    this.#child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
    if (this.#child.stdout !== null) createInterface({ input: this.#child.stdout }).on("line", (line) => this.#read(line));
    context.onTestFinished(() => this.kill());
  }

  async says(what: "ready" | "published"): Promise<void> {
    await until(
      () => {
        if (this.#child.exitCode !== null) throw new Error(`the program ended with code ${this.#child.exitCode}: ${this.#errors}`);
        return this.#said.has(what);
      },
      `the program is ${what}`,
      START_MS,
    );
  }

  /** SIGKILL: no clean-up of any kind. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
  }

  #read(line: string): void {
    const said = JSON.parse(line) as Partial<Reminder>;
    if (said.text !== undefined && said.lateMs !== undefined) this.reminders.push({ text: said.text, lateMs: said.lateMs });
    else for (const name of Object.keys(said)) this.#said.add(name);
  }
}
