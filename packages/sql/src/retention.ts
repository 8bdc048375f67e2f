import { type Logger, silentLogger } from "millrace";
import { guarded, startTimer, stopTimer, type TimerHandle } from "millrace/adapter";
import type { Log } from "./dialect.ts";
import { KeptFor } from "./kept-for.ts";
import { type RetentionOptions, SQL_DEFAULTS } from "./options.ts";

/** Rows deleted in one transaction. */
export const PURGE_BATCH = 500;

/** Deletes old messages of the topics it was told of, one small batch at a time. */
export class Retention {
  readonly #log: Log;
  readonly #rules: RetentionOptions;
  readonly #logger: Logger;
  readonly #topics: Set<string> = new Set();
  readonly #keptFor: KeptFor | undefined;
  #timer: TimerHandle | undefined;
  #stopped = false;

  constructor(log: Log, rules: RetentionOptions, logger: Logger = silentLogger) {
    this.#log = log;
    this.#rules = rules;
    this.#logger = guarded(logger);
    this.#keptFor = rules.includeUnread === true ? undefined : new KeptFor(log, this.#logger);
  }

  /** A topic that cannot be has nothing to be deleted. */
  add(topic: string): void {
    if (!this.#topics.has(topic) && !this.#isTopic(topic)) return;
    this.#topics.add(topic);
    this.#schedule(this.#rules.everyMs ?? SQL_DEFAULTS.retentionEveryMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#keptFor?.stop();
    stopTimer(this.#timer);
  }

  #isTopic(topic: string): boolean {
    try {
      this.#log.checkTopic(topic);
      return true;
    } catch {
      return false;
    }
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer ??= startTimer(() => void this.#round(), delayMs, true);
  }

  async #round(): Promise<void> {
    let full = false;
    for (const topic of this.#topics) {
      if (this.#stopped) return;
      try {
        full = (await this.#log.purge({ topic, ...this.#rules }, PURGE_BATCH)) === PURGE_BATCH || full;
      } catch (error) {
        if (this.#stopped) return;
        this.#logger.warn({ topic, error }, "old messages could not be deleted, trying again later");
      }
    }
    await this.#keptFor?.look(this.#topics);
    this.#timer = undefined;
    // A backlog is worked off quickly, but never in one piece.
    this.#schedule(full ? 5 : (this.#rules.everyMs ?? SQL_DEFAULTS.retentionEveryMs));
  }
}
