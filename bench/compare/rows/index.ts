import type { Row } from "../row.ts";
import { BROKER_ROWS } from "./broker-rows.ts";
import { MEMORY_ROWS } from "./memory-rows.ts";
import { ROUTER_ROWS } from "./router-rows.ts";
import { SQLITE_ROWS } from "./sqlite-rows.ts";

export const ROWS: readonly Row[] = [...MEMORY_ROWS, ...ROUTER_ROWS, ...SQLITE_ROWS, ...BROKER_ROWS];
