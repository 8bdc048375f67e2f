import { setTimeout as sleep } from "node:timers/promises";

/** How long a busy database is waited for before the caller hears of it. */
const PATIENCE_MS = 30_000;

/** Another process held the database for longer than we wait. */
export class DatabaseBusyError extends Error {
  override readonly name: string = "DatabaseBusyError";
}

/** SQLite's own code (5 busy, 8 readonly, 10 I/O, 11 corrupt, 13 full, …) of an error, or of what caused it. */
export function sqliteCode(error: unknown): number | undefined {
  for (let seen = error, depth = 0; depth < 8 && typeof seen === "object" && seen !== null; depth++) {
    const { errcode, cause } = seen as { readonly errcode?: unknown; readonly cause?: unknown };
    if (typeof errcode === "number") return errcode & 0xff;
    seen = cause;
  }
  return undefined;
}

/** SQLITE_BUSY and SQLITE_LOCKED. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === 5 || code === 6;
}

/**
 * Runs `attempt` until the database is not held by another process.
 *
 * The driver's own busy timeout would block the event loop, so it is off: the wait is here, with jitter, so that several
 * processes do not come back at the same moment.
 */
export async function untilFree<T>(attempt: () => T, patienceMs: number = PATIENCE_MS): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (let longestMs = 2; ; longestMs = Math.min(longestMs * 2, 50)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() > deadline) throw new DatabaseBusyError(`the database was busy for ${patienceMs} ms`, { cause: error });
    }
    await sleep(1 + Math.random() * longestMs);
  }
}
