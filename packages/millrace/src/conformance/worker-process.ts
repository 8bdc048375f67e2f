import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { NackOptions } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import type { Bell } from "./bell.ts";
import type { WorkerCommand } from "./conformance-setup.ts";

const FREEZE_MS = 60_000;

/** What the second process is to do. */
export interface WorkerTask {
  readonly topic: string;
  readonly group: string | undefined;
  readonly maxInFlight?: number | undefined;
  /** What becomes of a message without further orders. Default `"hold"`. */
  readonly verdict?: "ack" | "hold" | undefined;
  /** True: the adapter's short lease is to be used. */
  readonly shortLease?: boolean | undefined;
}

/** A message for the worker to publish to its topic, due at `dueMs` since the epoch. */
export interface DelayedText {
  readonly id: string;
  readonly text: string;
  readonly dueMs: number;
}

/** What the worker is told, one JSON line each. */
export type WorkerOrder =
  | { readonly order: "ack" | "nack"; readonly id: string; readonly options?: NackOptions | undefined }
  | { readonly order: "publish"; readonly messages: readonly DelayedText[] }
  | { readonly order: "flush" | "close" | "freeze" }
  | { readonly order: "block"; readonly ms: number };

/** What the worker tells, one JSON line each. */
export type WorkerReport =
  | { readonly event: "subscribed" | "published" | "flushed" | "closed" | "blocking" | "unblocked" | "freezing" }
  | { readonly event: "received"; readonly id: string; readonly attempt: number }
  | { readonly event: "verdict"; readonly id: string; readonly verdict: "ack" | "nack"; readonly holds: boolean }
  | { readonly event: "settled"; readonly id: string; readonly as: string }
  | { readonly event: "failed"; readonly error: string };

/** A second process that subscribes and reports; it can be killed, stopped and woken. */
export class WorkerProcess {
  readonly reports: WorkerReport[] = [];
  readonly #child: ChildProcess;
  readonly #bell: Bell;
  readonly #exited: Promise<void>;
  #errors = "";
  #killed = false;

  constructor(command: WorkerCommand, task: WorkerTask, bell: Bell) {
    new OptionCheck("WorkerProcess")
      .known(command, { module: true, execArgv: true, env: true })
      .known(task, { topic: true, group: true, maxInFlight: true, verdict: true, shortLease: true }, "task")
      .done();
    this.#bell = bell;
    bell.show(() => this.toString());
    this.#child = spawn(process.execPath, [...(command.execArgv ?? []), command.module, JSON.stringify(task)], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...command.env },
    });
    this.#exited = new Promise((resolve) => this.#child.once("close", () => resolve()));
    this.#child.once("error", (error) => bell.fail(error));
    this.#child.once("exit", (code) => this.#gone(code));
    this.#child.stdin?.on("error", () => {}); // writing to a process that was killed
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    if (this.#child.stdout !== null) createInterface({ input: this.#child.stdout }).on("line", (line) => this.#read(line));
  }

  get ready(): boolean {
    return this.reports.some((report) => report.event === "subscribed");
  }

  /** Ids received, in order, with repetitions. */
  get received(): readonly string[] {
    return this.reports.flatMap((report) => (report.event === "received" ? [report.id] : []));
  }

  /** Whether the last verdict on this id held; undefined while the worker has not said. */
  verdictHolds(id: string): boolean | undefined {
    for (const report of this.reports.toReversed()) if (report.event === "verdict" && report.id === id) return report.holds;
    return undefined;
  }

  has(event: WorkerReport["event"]): boolean {
    return this.#count(event) > 0;
  }

  tell(order: WorkerOrder): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  /** What it has told so far. */
  toString(): string {
    const verdicts = this.#count("verdict");
    return `worker: ${this.received.length} received, ${verdicts} verdicts${this.#killed ? ", killed" : ""}, last told: ${JSON.stringify(this.reports.at(-1) ?? "nothing")}`;
  }

  /** SIGKILL: no clean-up of any kind. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#killed = true;
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /**
   * SIGSTOP: the process runs not a single instruction until it is woken. It sends the signal to itself, between two turns of its
   * event loop: one that is stopped from outside may be in the middle of a commit to a file, and then locks everybody out, which
   * is another fault. Resolves when it is stopping.
   */
  async freeze(): Promise<void> {
    const before = this.#count("freezing");
    this.tell({ order: "freeze" });
    await this.#bell.until(() => this.#count("freezing") > before, "the worker has stopped", FREEZE_MS);
  }

  /** SIGCONT. */
  wake(): void {
    this.#child.kill("SIGCONT");
  }

  #count(event: WorkerReport["event"]): number {
    return this.reports.filter((report) => report.event === event).length;
  }

  #read(line: string): void {
    if (!line.startsWith("{")) return;
    const report = JSON.parse(line) as WorkerReport;
    this.reports.push(report);
    if (report.event === "failed") this.#bell.fail(new Error(`the worker failed: ${report.error}`));
    else this.#bell.ring();
  }

  #gone(code: number | null): void {
    if (!this.#killed && code !== 0) this.#bell.fail(new Error(`the worker ended by itself with code ${code}: ${this.#errors}`));
    else this.#bell.ring();
  }
}
