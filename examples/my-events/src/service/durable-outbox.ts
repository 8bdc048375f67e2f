import type { DatabaseSync } from "node:sqlite";
import { SqlPubSub, sqlite } from "@millrace/sql";
import type { Logger, Message, Subscriber } from "millrace";
import { envelope } from "millrace/forwarder";
import type { Outbox } from "./outbox.ts";

export const OUTBOX_TOPIC = "outbox";
/** The forwarders of a service share this group: one process's forwards, another's takes over when it dies. */
export const OUTBOX_GROUP = "forwarder";

export interface DurableOutbox extends Outbox {
  /** Where the forwarder reads. */
  readonly subscriber: Subscriber;
  close(): Promise<void>;
}

/** An outbox in the service's own database: its rows are committed, or rolled back, with everything else. */
export async function openOutbox(database: DatabaseSync, logger: Logger): Promise<DurableOutbox> {
  const log = new SqlPubSub({ dialect: sqlite({ database }), logger, retention: { consumed: true } });
  await log.provision(OUTBOX_TOPIC, { group: OUTBOX_GROUP });
  const inTransaction = log.within(database);
  return {
    subscriber: log,
    add: (topic: string, message: Message) => inTransaction.publishSync(OUTBOX_TOPIC, envelope(topic, message)),
    wake: () => log.wake(OUTBOX_TOPIC),
    close: () => log.close(),
  };
}
