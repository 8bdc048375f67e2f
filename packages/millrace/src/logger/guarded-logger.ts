import { heard } from "../internal/heard.ts";
import { consoleLogger } from "./console-logger.ts";
import type { LogFields, Logger } from "./logger.ts";

const GUARDED: unique symbol = Symbol.for("millrace.guardedLogger") as never;

/**
 * The logger as it may be called anywhere: what it throws, or rejects with, goes no further, so that it never stops a message and never
 * ends the process. `child` and `isLevelEnabled` are there when the logger has them. A guarded logger is given back as it is.
 * Without one: warnings and errors, one line each on standard error.
 */
export function guarded(logger: Logger = consoleLogger({ level: "warn" })): Logger {
  return (logger as { [GUARDED]?: boolean })[GUARDED] === true ? logger : new GuardedLogger(logger);
}

const unsaid = (): void => {};

class GuardedLogger implements Logger {
  readonly [GUARDED] = true;
  readonly #inner: Logger;
  readonly child?: (fields: LogFields) => Logger;
  readonly isLevelEnabled?: (level: string) => boolean;

  constructor(inner: Logger) {
    this.#inner = inner;
    if (inner.child !== undefined) this.child = (fields) => this.#child(fields);
    if (inner.isLevelEnabled !== undefined) this.isLevelEnabled = (level) => this.#enabled(level);
  }

  trace(fields: LogFields, text: string): void {
    try {
      heard(this.#inner.trace(fields, text), unsaid);
    } catch {}
  }

  debug(fields: LogFields, text: string): void {
    try {
      heard(this.#inner.debug(fields, text), unsaid);
    } catch {}
  }

  info(fields: LogFields, text: string): void {
    try {
      heard(this.#inner.info(fields, text), unsaid);
    } catch {}
  }

  warn(fields: LogFields, text: string): void {
    try {
      heard(this.#inner.warn(fields, text), unsaid);
    } catch {}
  }

  error(fields: LogFields, text: string): void {
    try {
      heard(this.#inner.error(fields, text), unsaid);
    } catch {}
  }

  #child(fields: LogFields): Logger {
    try {
      return guarded(this.#inner.child?.(fields) ?? this.#inner);
    } catch {
      return this;
    }
  }

  /** A logger that cannot tell is asked to log: that much is safe. */
  #enabled(level: string): boolean {
    try {
      return this.#inner.isLevelEnabled?.(level) ?? true;
    } catch {
      return true;
    }
  }
}
