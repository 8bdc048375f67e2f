import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Call, Figures } from "../harness/case.ts";
import { CHILD_FLAGS } from "../harness/in-child.ts";

const ENTRY = fileURLToPath(new URL("serve-case.ts", import.meta.url));
const PRELOAD = new URL("from-checkout.ts", import.meta.url).href;

/** A process that runs our cases on the sources of a checkout, when it is told to. In between it waits and costs nothing. */
export class Child {
  readonly #process: ChildProcess;
  #answer: { readonly resolve: (figures: Figures) => void; readonly reject: (error: Error) => void } | undefined;
  readonly #ended: Promise<void>;

  /** Compiled code is kept in the folder `cache`, which spares most of the start. */
  constructor(checkout: string, cache: string) {
    this.#process = fork(ENTRY, {
      execArgv: [...CHILD_FLAGS, `--import=${PRELOAD}`],
      env: { ...process.env, MILLRACE_CHECKOUT: checkout, NODE_COMPILE_CACHE: cache },
    });
    this.#process.on("message", (figures) => this.#answer?.resolve(figures as Figures));
    this.#ended = new Promise((resolve) => {
      this.#process.on("error", (error) => this.#answer?.reject(error));
      this.#process.on("exit", (code, signal) => {
        this.#answer?.reject(new Error(`it ended with ${signal ?? `code ${code}`} and without figures`));
        resolve();
      });
    });
  }

  /** One at a time. */
  run(call: Call): Promise<Figures> {
    return new Promise((resolve, reject) => {
      if (!this.#process.connected) return reject(new Error("it has ended"));
      this.#answer = { resolve, reject };
      this.#process.send(call);
    });
  }

  async end(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#ended;
  }
}
