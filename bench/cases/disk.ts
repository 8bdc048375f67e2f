import type { Case } from "../harness/case.ts";
import { DatabaseFile } from "./database-file.ts";

/** What the disk under the databases makes one wait for. */
export const run: Case<object> = async () => {
  const file = new DatabaseFile();
  try {
    return { syncMs: file.syncMs() };
  } finally {
    file.remove();
  }
};
