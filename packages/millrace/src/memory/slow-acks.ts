import { startTimer, stopTimer } from "../internal/timers.ts";
import type { Logger } from "../logger/index.ts";
import type { MemoryTopic } from "./memory-topic.ts";

/** So long a publish waits for acks before it is told. */
const SLOW_MS = 10_000;

/** Tells who keeps publishers waiting for acks: once a topic, until a publish to it has had its acks again. */
export class SlowAcks {
  readonly #logger: Logger;
  readonly #told: Set<string> = new Set();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** A publish waits for the acks of all that the topic has now. Answers with how to tell that the wait is over, and whether all have come. */
  watch(topic: MemoryTopic): (acked: boolean) => void {
    const { last } = topic;
    const timer = startTimer(() => this.#tell(topic, last), SLOW_MS, true);
    return (acked) => {
      stopTimer(timer);
      if (acked) this.#told.delete(topic.name);
    };
  }

  #tell(topic: MemoryTopic, last: number): void {
    if (this.#told.has(topic.name)) return;
    this.#told.add(topic.name);
    const owing = topic.groups.filter((group) => group.load > 0 && group.oldest <= last);
    const groups = owing.map(({ name }) => name ?? "(a reader without a group)");
    const fields = { topic: topic.name, groups, withoutMembers: owing.filter(({ members }) => members.length === 0).map(({ name }) => name) };
    this.#logger.warn(fields, "a publish has waited 10 s for acks: it waits until these groups have acked, or are gone (blockPublishUntilAck)");
  }
}
