import { setTimeout as sleep } from "node:timers/promises";
import type { Logger, PubSub, ReceivedMessage } from "millrace";
import { Rate } from "./rate.ts";

/** How many of the last messages a visitor finds. */
const KEPT = 50;
/** How much of a payload is shown, in characters. */
const SHOWN = 600;

export interface ShownMessage {
  readonly topic: string;
  readonly id: string;
  readonly at: string;
  readonly text: string;
}

export interface TopicReport {
  readonly topic: string;
  readonly seen: number;
  readonly perSecond: number;
}

/**
 * Watches topics without taking part: each subscription is groupless, begins now and leaves no position behind, so the
 * services neither wait for it nor miss anything because of it.
 */
export class Feed {
  readonly last: ShownMessage[] = [];
  readonly #topics: Map<string, Rate>;
  readonly #broker: PubSub;
  readonly #logger: Logger;
  readonly #stop: AbortController = new AbortController();
  readonly #listeners: Set<(message: ShownMessage) => void> = new Set();
  #watching: readonly Promise<void>[] = [];
  #open = 0;

  constructor(broker: PubSub, topics: readonly string[], logger: Logger) {
    this.#broker = broker;
    this.#topics = new Map(topics.map((topic) => [topic, new Rate()]));
    this.#logger = logger;
  }

  /** True while every topic is being watched. */
  get watching(): boolean {
    return this.#open === this.#topics.size;
  }

  start(): void {
    this.#watching = [...this.#topics].map(([topic, rate]) => this.#watch(topic, rate));
  }

  topics(): TopicReport[] {
    return [...this.#topics].map(([topic, rate]) => ({ topic, seen: rate.total, perSecond: rate.perSecond() }));
  }

  /** Calls `listener` for every message from now on; the answer ends that. */
  listen(listener: (message: ShownMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#watching);
  }

  async #watch(topic: string, rate: Rate): Promise<void> {
    const { signal } = this.#stop;
    for (let delayMs = 200; !signal.aborted; delayMs = Math.min(delayMs * 2, 5_000)) {
      try {
        const subscription = await this.#broker.subscribe(topic, { from: "latest", maxInFlight: 100, signal });
        this.#open++;
        delayMs = 200;
        try {
          for await (const message of subscription) {
            message.ack();
            rate.count();
            this.#show(topic, message);
          }
        } finally {
          this.#open--;
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#logger.warn({ topic, error, delayMs }, "cannot watch the topic, trying again");
      }
      await sleep(delayMs, undefined, { signal }).catch(() => {});
    }
  }

  #show(topic: string, message: ReceivedMessage): void {
    const text = message.text();
    const shown = { topic, id: message.id, at: new Date().toISOString(), text: text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text };
    this.last.push(shown);
    if (this.last.length > KEPT) this.last.shift();
    for (const listener of this.#listeners) listener(shown);
  }
}
