import { type Logger, logs } from "../logger/index.ts";

/** What a pub/sub forgot of one topic when it closed. */
export interface Forgotten {
  readonly topic: string;
  readonly count: number;
  /** Of these, how many were not due yet. */
  readonly delayed: number;
  /** Who had not settled them. */
  readonly groups: readonly string[];
}

/** Most topics that are named one by one. */
const MOST_TOPICS = 1000;
const MOST_LINES = 100;

/** Says which messages are gone although their publishers were told that they are confirmed. */
export class Losses {
  readonly #logger: Logger;
  readonly #named: Set<string> = new Set();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** A message was published to a topic that nobody reads. One warning a topic, then lines for debugging. */
  dropped(topic: string): void {
    const text = "nobody has subscribed to this topic, what is published to it is gone: start the router first, provision the group, or set persistent";
    if (this.#named.has(topic) || this.#named.size >= MOST_TOPICS) {
      if (logs(this.#logger, "debug")) this.#logger.debug({ topic }, text);
      return;
    }
    this.#named.add(topic);
    this.#logger.warn({ topic }, text);
    if (this.#named.size === MOST_TOPICS) this.#logger.warn({ topics: MOST_TOPICS }, "further topics that nobody has subscribed to are not named any more");
  }

  /** The last member of a group left, and nothing keeps the group. */
  left(topic: string, group: string | undefined, count: number): void {
    // A reader without a group leaves nothing behind because it wants to.
    if (group === undefined) this.#logger.info({ topic, count }, "a reader without a group has left messages unread");
    else this.#logger.warn({ topic, group, count }, "the last member of a group has left, its messages are forgotten: provision the group, or set persistent");
  }

  closed(forgotten: readonly Forgotten[]): void {
    const text = "the pub/sub has closed, and forgets messages that nobody has settled";
    for (const { topic, count, delayed, groups } of forgotten.slice(0, MOST_LINES)) this.#logger.warn({ topic, count, delayed, groups }, text);
    const more = forgotten.slice(MOST_LINES);
    if (more.length === 0) return;
    const count = more.reduce((sum, one) => sum + one.count, 0);
    this.#logger.warn({ topics: more.length, count }, `${text}, in further topics`);
  }
}
