import type { Logger } from "millrace";
import { monotonicMs } from "millrace/adapter";
import type { Log } from "./dialect.ts";

/** How long a group has not moved until it is told of, and how often groups are looked at. */
export const UNMOVED_MS = 60_000;
/** For fewer messages nobody is told. */
export const MANY_KEPT = 1_000;

interface Stand {
  readonly settledTo: number;
  readonly sinceMs: number;
  told: boolean;
}

/** Tells of groups for which messages are kept though they do not move: nobody uses them any more, or their handler stands still. */
export class KeptFor {
  readonly #log: Log;
  readonly #logger: Logger;
  readonly #stands: Map<string, Stand> = new Map();
  #stopped = false;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** `logger`: its calls never throw. */
  constructor(log: Log, logger: Logger) {
    this.#log = log;
    this.#logger = logger;
  }

  async look(topics: Iterable<string>): Promise<void> {
    const now = monotonicMs();
    if (now - this.#lookedAt < UNMOVED_MS) return;
    this.#lookedAt = now;
    for (const topic of topics) {
      try {
        for (const group of await this.#log.admin.groups(topic)) if (!this.#stopped) await this.#lookAt(topic, group, now);
      } catch {
        // It has no tables yet, or the database is in trouble, which whoever deletes tells of: the other topics are looked at all the same.
      }
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #lookAt(topic: string, group: string, now: number): Promise<void> {
    const { messages, oldestAt, settledTo } = await this.#log.admin.lag({ topic, name: group });
    const key = `${topic}\n${group}`;
    const stand = this.#stands.get(key);
    if (stand === undefined || stand.settledTo !== settledTo) {
      this.#stands.set(key, { settledTo, sinceMs: now, told: false });
      return;
    }
    if (stand.told || messages < MANY_KEPT || now - stand.sinceMs < UNMOVED_MS) return;
    stand.told = true;
    this.#logger.warn(
      { topic, group, messages, oldestAt },
      "messages are kept for a group that does not move: if nobody uses it any more, delete it with admin.deleteGroup(topic, group)",
    );
  }
}
