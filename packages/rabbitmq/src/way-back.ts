import type { ConsumeMessage } from "amqplib";
import type { PublishError } from "millrace";
import { equalBackoffMs, sleep, wallMs } from "millrace/adapter";
import { backProperties } from "./back-properties.ts";
import { holdFor } from "./delay/delay-exit.ts";
import { LONGEST_DELAY_MS } from "./delay/delay-route.ts";
import type { Outbound } from "./outbound.ts";

export interface WayBackQueue {
  readonly queue: string;
  /** Gone some time after its reader, and with it what is on its way there. */
  readonly temporary: boolean;
}

/** A quorum queue that was made just now, on a busy broker, may refuse what comes: surely it has not taken it. */
const MOST_REFUSALS = 5;

/**
 * The way of a message back to its queue, after a delay: published to the queues that hold messages back, and confirmed, before anybody
 * acks the original. The broker moves it on when its time has come. One for all subscriptions of a subscriber.
 */
export class WayBack {
  readonly #outbound: Outbound;

  constructor(outbound: Outbound) {
    this.#outbound = outbound;
  }

  /** Why nothing can go back at present. */
  get blocked(): string | undefined {
    return this.#outbound.link.current?.blocked;
  }

  /** Resolves when the broker has the message, and would have it after a kill; rejects when that is not sure. */
  async send(raw: ConsumeMessage, { queue, temporary }: WayBackQueue, attempt: number, delayMs: number): Promise<void> {
    const dueMs = wallMs() + Math.min(delayMs, LONGEST_DELAY_MS);
    const exit = { exchange: "", routingKey: queue, keep: !temporary };
    for (let again = 0; ; again++) {
      const waitMs = dueMs - wallMs();
      const hold = waitMs > 0 ? holdFor(exit, dueMs, waitMs) : undefined;
      try {
        const properties = backProperties(raw, attempt, hold !== undefined);
        const id = this.#outbound.idOf(raw);
        await this.#outbound.queue.push("", [
          { id, exchange: "", routingKey: queue, content: raw.content, properties, hold, returned: undefined, settled: false },
        ]);
        return;
      } catch (error) {
        const { code } = error as PublishError;
        if (code === "PUBLISH_REFUSED" && again < MOST_REFUSALS) await sleep(equalBackoffMs(again + 1, 50, 1_000));
        // Somebody deleted a queue in which messages wait: it has been made again.
        else if (code !== "UNROUTABLE" || again > 0 || hold === undefined) throw error;
      }
    }
  }

  async close(): Promise<void> {
    await this.#outbound.stop();
  }
}
