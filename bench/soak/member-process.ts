import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface MemberTask {
  readonly id: number;
  readonly url: string;
  readonly topic: string;
  readonly group: string;
  readonly journal: string;
}

const ENTRY = fileURLToPath(new URL("member.ts", import.meta.url));
const FLAGS = ["--conditions=millrace:source", "--disable-warning=ExperimentalWarning"];
const MOST_TEXT = 6_000;

/** A consumer process. */
export class MemberProcess {
  readonly id: number;
  readonly group: string;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #expected = false;
  #text = "";

  constructor(task: MemberTask, onTrouble: (text: string) => void) {
    this.id = task.id;
    this.group = task.group;
    this.#child = spawn(process.execPath, [...FLAGS, ENTRY, JSON.stringify(task)], { stdio: ["pipe", "ignore", "pipe"] });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#text = (this.#text + text).slice(-MOST_TEXT);
    });
    this.#gone = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        onTrouble(`member ${task.id} could not be started: ${error.message}`);
        resolve();
      });
      this.#child.once("close", (code, signal) => {
        if (!this.#expected || (code !== 0 && signal !== "SIGKILL")) onTrouble(`member ${task.id} ended with ${signal ?? `code ${code}`}:\n${this.#text}`);
        resolve();
      });
    });
  }

  /** The last lines that it logged. */
  get log(): string {
    return this.#text;
  }

  /** SIGKILL: no clean-up of any kind. */
  async kill(): Promise<void> {
    this.#expected = true;
    this.#child.kill("SIGKILL");
    await this.#gone;
  }

  /** Asks it to close in order. */
  async leave(): Promise<void> {
    this.#expected = true;
    this.#child.kill("SIGTERM");
    await this.#gone;
  }
}
