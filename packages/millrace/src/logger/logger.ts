export type LogFields = Readonly<Record<string, unknown>>;

/** What Millrace logs through. A pino logger and `console` satisfy it as they are. */
export interface Logger {
  trace(fields: LogFields, text: string): void;
  debug(fields: LogFields, text: string): void;
  info(fields: LogFields, text: string): void;
  warn(fields: LogFields, text: string): void;
  error(fields: LogFields, text: string): void;
  child?(fields: LogFields): Logger;
  isLevelEnabled?(level: string): boolean;
}

/** Whether building a fields object for `level` is worth while. True for a logger that cannot tell. */
export function logs(logger: Logger, level: "trace" | "debug" | "info"): boolean {
  return logger.isLevelEnabled === undefined || logger.isLevelEnabled(level);
}
