import { OptionCheck } from "../options/index.ts";
import type { LogFields, Logger } from "./logger.ts";
import { visible, visibleLines } from "./visible.ts";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";
const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error"];
const SHOWN_BYTES = 64;

export interface ConsoleLoggerOptions {
  /** Lines below this level are dropped. Default `"info"`. */
  readonly level?: LogLevel | undefined;
}

/**
 * One line per entry on standard error (`console.error`): time, level, text, fields as JSON; an error's stack follows its line.
 * Control characters are shown as escapes, wherever they come from. Throws `OptionError` `BAD_OPTION`.
 */
export function consoleLogger(options: ConsoleLoggerOptions = {}): Logger {
  new OptionCheck("consoleLogger").known(options, { level: true }).oneOf("level", options.level, LEVELS).done();
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
  const shown = fieldsText(fields, (error) => {
    if (level >= 3 && error.stack !== undefined) stack += `\n  ${visibleLines(error.stack)}`;
  });
  return `${new Date().toISOString()} ${(LEVELS[level] as string).toUpperCase().padEnd(5)} ${visible(text)}${shown === "{}" ? "" : ` ${visible(shown)}`}${stack}`;
}

/** Whatever the fields hold, there is a line: a logger that throws would fail the message that is logged about. */
function fieldsText(fields: LogFields, onError: (error: Error) => void): string {
  const above: unknown[] = [];
  try {
    return JSON.stringify(fields, function (this: unknown, _key, value: unknown) {
      if (value instanceof Error) {
        onError(value);
        return value.message;
      }
      if (typeof value === "bigint") return String(value);
      if (ArrayBuffer.isView(value)) return bytesText(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      if (typeof value !== "object" || value === null) return value;
      while (above.length > 0 && above.at(-1) !== this) above.pop();
      if (above.includes(value)) return "(circular)";
      above.push(value);
      return value;
    });
  } catch (error) {
    return `(fields that cannot be shown: ${error})`;
  }
}

/** Payloads are never logged beyond 64 bytes. */
function bytesText(bytes: Uint8Array): string {
  const text = Array.from(bytes.subarray(0, SHOWN_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return bytes.length > SHOWN_BYTES ? `${text}… (${bytes.length} bytes)` : text;
}
