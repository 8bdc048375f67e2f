import type { Mutant } from "./mutant.ts";
import { ADAPTER_LIFE } from "./mutants/adapter-life.ts";
import { ADAPTER_MESSAGES } from "./mutants/adapter-messages.ts";
import { KAFKA } from "./mutants/kafka.ts";
import { MEMORY } from "./mutants/memory.ts";
import { MESSAGE } from "./mutants/message.ts";
import { MIDDLEWARE } from "./mutants/middleware.ts";
import { PUBLISHING } from "./mutants/publishing.ts";
import { RELAY } from "./mutants/relay.ts";
import { ROUTER } from "./mutants/router.ts";
import { SQL } from "./mutants/sql.ts";

/** The mutants by area, as `npm run mutate -- <area>` names them. */
export const AREAS: Readonly<Record<string, readonly Mutant[]>> = {
  router: ROUTER,
  middleware: MIDDLEWARE,
  adapter: [...ADAPTER_MESSAGES, ...ADAPTER_LIFE],
  publishing: PUBLISHING,
  memory: MEMORY,
  relay: RELAY,
  message: MESSAGE,
  sql: SQL,
  kafka: KAFKA,
};
