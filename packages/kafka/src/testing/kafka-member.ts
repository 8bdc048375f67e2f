import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

interface Report {
  readonly event: string;
  readonly id?: string;
}

/** A member of a group in a process of its own, which obeys the orders of the conformance suite's worker. */
export class KafkaMember {
  readonly #process: ChildProcess;
  readonly #reports: Report[] = [];

  constructor(url: string, task: { readonly topic: string; readonly group: string; readonly shortLease?: boolean; readonly maxInFlight?: number }) {
    const worker = fileURLToPath(new URL("./conformance-worker.ts", import.meta.url));
    this.#process = spawn(process.execPath, ["--conditions=millrace:source", worker, JSON.stringify(task)], {
      env: { ...process.env, KAFKA_URL: url },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const { stdout } = this.#process;
    if (stdout !== null) createInterface({ input: stdout }).on("line", (line) => this.#reports.push(JSON.parse(line) as Report));
  }

  /** Ids in the order in which they were handed out. */
  get received(): string[] {
    return this.#reports.flatMap(({ event, id }) => (event === "received" && id !== undefined ? [id] : []));
  }

  has(event: string): boolean {
    return this.#reports.some((report) => report.event === event);
  }

  tell(order: Readonly<Record<string, unknown>>): void {
    this.#process.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  freeze(): void {
    this.#process.kill("SIGSTOP");
  }

  wake(): void {
    this.#process.kill("SIGCONT");
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.#process.once("exit", () => resolve()));
    this.#process.kill("SIGKILL");
    await gone;
  }
}
