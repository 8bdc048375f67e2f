import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A path for a database in a folder of its own; `remove` deletes the folder. */
export function temporaryFile(): { readonly path: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "millrace-sql-"));
  return { path: join(folder, "log.db"), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
