import { setTimeout as wait } from "node:timers/promises";
import { MillraceError, type PublishError, type Publisher } from "millrace";
import { soakMessage } from "./content.ts";

/** Calls under way at once. Each has keys of its own, so that the order of a key is that of its numbers. */
const LANES = 4;
const BATCH = 120;
const AGAIN_MS = 50;
const LOOK_MS = 5;

export interface PublishingSettings {
  readonly publisher: Publisher;
  readonly topic: string;
  readonly count: number;
  readonly perSecond: number;
}

/** Publishes messages number 0 to `count` − 1, each until the broker has confirmed it, not further than `limit`. */
export class Publishing {
  /** By message: how often it was published again because nobody knew whether the broker had it. */
  readonly sentAgain: Uint8Array;
  /** Messages before this number may be published. */
  limit = 0;
  confirmed = 0;
  /** Outcomes of calls that failed, and their codes. */
  unknown = 0;
  rejected = 0;
  readonly codes: Map<string, number> = new Map();
  readonly #settings: PublishingSettings;
  readonly #confirmed: Uint8Array;
  #confirmedTo = 0;
  #stopped = false;

  constructor(settings: PublishingSettings) {
    this.#settings = settings;
    this.sentAgain = new Uint8Array(settings.count);
    this.#confirmed = new Uint8Array(settings.count);
  }

  /** All messages before this one are confirmed. */
  get confirmedTo(): number {
    while (this.#confirmed[this.#confirmedTo] === 1) this.#confirmedTo++;
    return this.#confirmedTo;
  }

  /** Resolves when all are confirmed, or after `stop`. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: LANES }, (_, lane) => this.#lane(lane)));
  }

  stop(): void {
    this.#stopped = true;
  }

  async #lane(lane: number): Promise<void> {
    const { count, perSecond } = this.#settings;
    for (let next = lane; next < count && !this.#stopped; ) {
      const begun = performance.now();
      const batch: number[] = [];
      for (; batch.length < BATCH && next < this.limit; next += LANES) batch.push(next);
      if (batch.length === 0) {
        await wait(LOOK_MS);
        continue;
      }
      await this.#publish(batch);
      await wait(Math.max(0, (batch.length * LANES * 1000) / perSecond - (performance.now() - begun)));
    }
  }

  async #publish(batch: readonly number[]): Promise<void> {
    const { publisher, topic } = this.#settings;
    for (let left = batch; left.length > 0 && !this.#stopped; ) {
      try {
        await publisher.publish(topic, left.map(soakMessage));
        for (const sequence of left) this.#confirm(sequence);
        return;
      } catch (error) {
        left = this.#afterFailure(left, error);
      }
      await wait(AGAIN_MS);
    }
  }

  /** What is to be published again. */
  #afterFailure(batch: readonly number[], error: unknown): readonly number[] {
    if (!MillraceError.is(error) || !("outcomes" in error)) throw error;
    const { code, outcomes } = error as PublishError;
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
    return batch.filter((sequence, index) => {
      const outcome = outcomes[index];
      if (outcome === "confirmed") this.#confirm(sequence);
      else if (outcome === "unknown") {
        this.unknown++;
        this.sentAgain[sequence] = (this.sentAgain[sequence] as number) + 1;
      } else this.rejected++;
      return outcome !== "confirmed";
    });
  }

  #confirm(sequence: number): void {
    this.#confirmed[sequence] = 1;
    this.confirmed++;
  }
}
