import { existsSync } from "node:fs";
import { Complaint } from "../complaint.ts";
import type { Config } from "../config/index.ts";
import type { ServiceName } from "../contracts/index.ts";
import { openDatabase } from "../database/open-database.ts";
import { type Rebuilt, rebuild } from "../event-log/index.ts";
import { view } from "../view/index.ts";
import { SERVICE_TABLES } from "./service-tables.ts";

/** Makes a service's state again from its event log. The service may be running. */
export async function rebuildService(name: ServiceName, config: Config): Promise<Rebuilt> {
  const path = config.databases[name];
  if (!existsSync(path)) throw new Complaint(`there is no database ${path} to rebuild: ${name} has not run with this configuration`);
  const database = await openDatabase(path, SERVICE_TABLES);
  try {
    return await rebuild(database, view);
  } finally {
    database.close();
  }
}
