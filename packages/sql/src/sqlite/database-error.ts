import { MillraceError } from "millrace";

const NAMES: Readonly<Record<string, number>> = {
  SQLITE_PERM: 3,
  SQLITE_BUSY: 5,
  SQLITE_LOCKED: 6,
  SQLITE_READONLY: 8,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_FULL: 13,
  SQLITE_CANTOPEN: 14,
  SQLITE_AUTH: 23,
  SQLITE_NOTADB: 26,
};

/** The primary result code of SQLite, from either driver's error; `undefined` for an error that SQLite did not make. */
export function resultCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { errcode, code } = error as { readonly errcode?: unknown; readonly code?: unknown };
  if (typeof errcode === "number") return errcode & 0xff;
  if (typeof code !== "string" || !code.startsWith("SQLITE_")) return undefined;
  return NAMES[code] ?? NAMES[code.split("_").slice(0, 2).join("_")] ?? 1;
}

const BUSY_TEXT = /connection is busy/;

/** Somebody else holds the lock: worth another try. */
export function isBusy(error: unknown): boolean {
  if (MillraceError.is(error)) return error.code === "DATABASE_BUSY";
  const code = resultCode(error);
  return code === 5 || code === 6 || (error instanceof TypeError && BUSY_TEXT.test(error.message));
}

export function isMissingTable(error: unknown): boolean {
  return resultCode(error) === 1 && /no such table/.test((error as Error).message);
}

/** The connection is of no use any more: the file behind it broke, moved or changed its permissions. */
export function isFatalToConnection(error: unknown): boolean {
  const code = resultCode(error);
  return code === 8 || code === 10 || code === 11 || code === 14 || code === 26;
}

const MEANINGS: Readonly<Record<number, readonly [code: string, text: string]>> = {
  3: ["DATABASE_UNREACHABLE", "the database may not be opened"],
  5: ["DATABASE_BUSY", "the database stayed locked by somebody else"],
  6: ["DATABASE_BUSY", "the database stayed locked by somebody else"],
  8: ["DATABASE_READONLY", "the database cannot be written to"],
  10: ["DATABASE_IO", "reading or writing the database file failed"],
  11: ["DATABASE_CORRUPT", "the database file is damaged"],
  13: ["DATABASE_FULL", "the database or its disk is full"],
  14: ["DATABASE_UNREACHABLE", "the database file cannot be opened"],
  23: ["DATABASE_UNREACHABLE", "the database may not be opened"],
  26: ["DATABASE_CORRUPT", "the file is not an SQLite database"],
};

/** What goes to the user: a code, and the driver's own error as the cause. Retryable means: when the cause is gone it works again. */
export function databaseError(error: unknown, where: string, consequence = ""): MillraceError {
  if (MillraceError.is(error)) return error;
  const code = resultCode(error);
  const meaning = code === undefined ? undefined : MEANINGS[code];
  const text = (error instanceof Error ? error.message : String(error)) + (consequence === "" ? "" : `; ${consequence}`);
  if (meaning !== undefined) return new MillraceError(`${where}: ${meaning[1]} (${text})`, { code: meaning[0], retryable: true, cause: error });
  if (/not open/.test(text)) return connectionClosed(where, error);
  return new MillraceError(`${where}: ${text}`, { code: "DATABASE_ERROR", cause: error });
}

export function connectionClosed(where: string, cause?: unknown): MillraceError {
  return new MillraceError(`${where}: the connection was closed by its owner`, { code: "DATABASE_CLOSED", cause });
}
