import type { Mutant } from "./mutant.ts";
import { ADAPTER_LIFE } from "./mutants/adapter-life.ts";
import { ADAPTER_MESSAGES } from "./mutants/adapter-messages.ts";
import { KAFKA_GROUPS } from "./mutants/kafka-groups.ts";
import { KAFKA_PUBLISHING } from "./mutants/kafka-publishing.ts";
import { LEASED } from "./mutants/leased.ts";
import { MEMORY } from "./mutants/memory.ts";
import { MESSAGE } from "./mutants/message.ts";
import { MIDDLEWARE } from "./mutants/middleware.ts";
import { PUBLISHING } from "./mutants/publishing.ts";
import { PULLING } from "./mutants/pulling.ts";
import { RABBITMQ_DELAYS } from "./mutants/rabbitmq-delays.ts";
import { RABBITMQ_MESSAGES } from "./mutants/rabbitmq-messages.ts";
import { RELAY } from "./mutants/relay.ts";
import { ROUTER_LIFE } from "./mutants/router-life.ts";
import { ROUTER_VERDICTS } from "./mutants/router-verdicts.ts";
import { SQL } from "./mutants/sql.ts";

/** The mutants by area, as `npm run mutate -- <area>` names them. */
export const AREAS: Readonly<Record<string, readonly Mutant[]>> = {
  router: [...ROUTER_VERDICTS, ...ROUTER_LIFE],
  middleware: MIDDLEWARE,
  adapter: [...ADAPTER_MESSAGES, ...ADAPTER_LIFE],
  pulling: PULLING,
  publishing: PUBLISHING,
  memory: MEMORY,
  relay: RELAY,
  message: MESSAGE,
  sql: SQL,
  leased: LEASED,
  kafka: [...KAFKA_PUBLISHING, ...KAFKA_GROUPS],
  rabbitmq: [...RABBITMQ_MESSAGES, ...RABBITMQ_DELAYS],
};
