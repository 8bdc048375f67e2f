import type { LogFields, Logger } from "./logger.ts";

export interface Line {
  readonly level: "trace" | "debug" | "info" | "warn" | "error";
  readonly fields: LogFields;
  readonly text: string;
}

/** Keeps what is logged. */
export class RecordingLogger implements Logger {
  readonly lines: Line[] = [];

  trace(fields: LogFields, text: string): void {
    this.lines.push({ level: "trace", fields, text });
  }

  debug(fields: LogFields, text: string): void {
    this.lines.push({ level: "debug", fields, text });
  }

  info(fields: LogFields, text: string): void {
    this.lines.push({ level: "info", fields, text });
  }

  warn(fields: LogFields, text: string): void {
    this.lines.push({ level: "warn", fields, text });
  }

  error(fields: LogFields, text: string): void {
    this.lines.push({ level: "error", fields, text });
  }

  at(level: Line["level"]): readonly Line[] {
    return this.lines.filter((line) => line.level === level);
  }

  saying(part: string): readonly Line[] {
    return this.lines.filter(({ text }) => text.includes(part));
  }
}
