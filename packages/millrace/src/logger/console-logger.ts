import type { LogFields, Logger } from "./logger.ts";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";
const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error"];

export interface ConsoleLoggerOptions {
  /** Lines below this level are dropped. Default `"info"`. */
  readonly level?: LogLevel | undefined;
}

/** One line per entry on standard error (`console.error`): time, level, text, fields as JSON; an error's stack follows its line. */
export function consoleLogger(options: ConsoleLoggerOptions = {}): Logger {
  return makeLogger(LEVELS.indexOf(options.level ?? "info"), {});
}

function makeLogger(threshold: number, bound: LogFields): Logger {
  const write = (level: number) => (fields: LogFields, text: string) => {
    if (level >= threshold) console.error(line(level, { ...bound, ...fields }, text));
  };
  return {
    trace: write(0),
    debug: write(1),
    info: write(2),
    warn: write(3),
    error: write(4),
    child: (fields) => makeLogger(threshold, { ...bound, ...fields }),
    isLevelEnabled: (level) => LEVELS.indexOf(level as LogLevel) >= threshold,
  };
}

function line(level: number, fields: LogFields, text: string): string {
  let stack = "";
  const shown = JSON.stringify(fields, (_key, value: unknown) => {
    if (value instanceof Error) {
      if (level >= 3 && value.stack !== undefined) stack += `\n  ${value.stack.replaceAll("\n", "\n  ")}`;
      return value.message;
    }
    return typeof value === "bigint" ? String(value) : value;
  });
  return `${new Date().toISOString()} ${(LEVELS[level] as string).toUpperCase().padEnd(5)} ${text}${shown === "{}" ? "" : ` ${shown}`}${stack}`;
}
