import type { ConsumeMessage } from "amqplib";
import type { PublishError } from "millrace";
import { wallMs, whileBusy } from "millrace/adapter";
import { backProperties } from "./back-properties.ts";
import { type Hold, holdFor } from "./delay/delay-exit.ts";
import { LONGEST_DELAY_MS } from "./delay/delay-route.ts";
import type { Outbound } from "./outbound.ts";

export interface WayBackQueue {
  readonly queue: string;
  /** Gone some time after its reader, and with it what is on its way there. */
  readonly temporary: boolean;
}

/** A quorum queue that was made just now, on a busy broker, may refuse what comes: surely it has not taken it. */
const REFUSED = { minDelayMs: 50, maxDelayMs: 1_000, patienceMs: 3_000 };

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
  get hindrance(): string | undefined {
    const { link, queue } = this.#outbound;
    return link.current?.blocked ?? (queue.trouble as Error | undefined)?.message;
  }

  /** Resolves when the broker has the message, and would have it after a kill; rejects when that is not sure. */
  async send(raw: ConsumeMessage, { queue, temporary }: WayBackQueue, attempt: number, delayMs: number): Promise<void> {
    const dueMs = wallMs() + Math.min(delayMs, LONGEST_DELAY_MS);
    const exit = { exchange: "", routingKey: queue, keep: !temporary };
    let hold: Hold | undefined;
    let unroutable = 0;
    const push = (): Promise<void> => {
      const waitMs = dueMs - wallMs();
      hold = waitMs > 0 ? holdFor(exit, dueMs, waitMs) : undefined;
      const properties = backProperties(raw, attempt, hold !== undefined);
      const id = this.#outbound.idOf(raw);
      return this.#outbound.queue.push("", [
        { id, exchange: "", routingKey: queue, content: raw.content, properties, hold, returned: undefined, settled: false },
      ]);
    };
    const isBusy = (error: unknown): boolean => {
      const { code } = error as PublishError;
      // Once: somebody deleted a queue in which messages wait, and it has been made again.
      return code === "PUBLISH_REFUSED" || (code === "UNROUTABLE" && hold !== undefined && unroutable++ === 0);
    };
    await whileBusy(push, { ...REFUSED, isBusy });
  }

  async close(): Promise<void> {
    await this.#outbound.stop();
  }
}
