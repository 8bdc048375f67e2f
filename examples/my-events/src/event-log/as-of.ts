import { DatabaseSync } from "node:sqlite";
import { setImmediate as laterTurn } from "node:timers/promises";
import { EventLog } from "./event-log.ts";
import type { Projection } from "./projection.ts";

const PAGE = 200;

/**
 * A database in memory that holds a projection as of `atMs`, inclusive, by the time of occurrence. The caller closes it.
 *
 * Reads the log page by page with a turn of the event loop between, so that a long log holds up nobody else.
 */
export async function asOf(source: DatabaseSync, projection: Projection, atMs: number): Promise<DatabaseSync> {
  const log = new EventLog(source);
  const moment = new DatabaseSync(":memory:");
  try {
    moment.exec(projection.tables);
    for (let after = 0, page = log.page(after, PAGE, atMs); page.length > 0; page = log.page(after, PAGE, atMs)) {
      for (const record of page) {
        projection.apply(moment, record);
        after = record.position;
      }
      await laterTurn();
    }
    return moment;
  } catch (error) {
    moment.close();
    throw error;
  }
}
