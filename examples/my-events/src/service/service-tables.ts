import { LOG_TABLES } from "../event-log/index.ts";
import { IDEMPOTENCY_TABLES } from "../http/index.ts";
import { view } from "../view/index.ts";

/** Everything in a service's own database but the outbox, whose tables Millrace makes. */
export const SERVICE_TABLES: string = [LOG_TABLES, view.tables, IDEMPOTENCY_TABLES].join(";\n");
