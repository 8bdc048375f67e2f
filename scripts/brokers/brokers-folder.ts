import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../workspace.ts";

/** Where jars, data and logs of all brokers are; git ignores it. */
export const BROKERS_FOLDER: string = join(ROOT, ".brokers");
mkdirSync(BROKERS_FOLDER, { recursive: true });
