import type { LogFields, Logger } from "millrace";

/** Counts what is said; or throws at every word. */
export class ModelLogger implements Logger {
  /** Warnings and errors so far. */
  loud = 0;
  readonly #broken: boolean;
  readonly #tell: (line: string) => void;

  constructor(broken: boolean, tell: (line: string) => void) {
    this.#broken = broken;
    this.#tell = tell;
  }

  trace(_fields: LogFields, _text: string): void {
    this.#break();
  }

  debug(_fields: LogFields, _text: string): void {
    this.#break();
  }

  info(_fields: LogFields, _text: string): void {
    this.#break();
  }

  warn(fields: LogFields, text: string): void {
    this.#say(fields, text);
  }

  error(fields: LogFields, text: string): void {
    this.#say(fields, text);
  }

  #say({ handler, topic, error }: LogFields, text: string): void {
    this.loud++;
    this.#tell(`log: ${handler ?? topic ?? ""}: ${text}${error instanceof Error ? ` (${error.message})` : ""}`);
    this.#break();
  }

  #break(): void {
    if (this.#broken) throw new Error("the logger is broken");
  }
}
