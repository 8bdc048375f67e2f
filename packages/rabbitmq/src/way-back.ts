import type { ConsumeMessage } from "amqplib";
import { MillraceError, type PublishError } from "millrace";
import { monotonicMs } from "millrace/adapter";
import { backProperties } from "./back-properties.ts";
import { delayQueueName, stepFor } from "./delay-steps.ts";
import { leaveChannel } from "./leave-channel.ts";
import type { Link } from "./link.ts";
import type { Outbound } from "./outbound.ts";

/** A delay queue outlives its last declaration by its step and this; it is declared again well before. */
const SPARE_MS = 10 * 60_000;

export interface WayBackQueue {
  readonly queue: string;
  readonly durable: boolean;
  readonly quorum: boolean;
}

/**
 * The way of a message back to its queue, after a delay: published to the delay queue of the step and confirmed, before anybody
 * acks the original. The broker moves it on when its time has come. One for all subscriptions of a subscriber.
 */
export class WayBack {
  readonly #link: Link;
  readonly #outbound: Outbound;
  /** Delay queue → when it was declared last. */
  readonly #declared = new Map<string, number>();
  readonly #declaring = new Map<string, Promise<void>>();

  constructor(link: Link, outbound: Outbound) {
    this.#link = link;
    this.#outbound = outbound;
  }

  /** Why nothing can go back at present. */
  get blocked(): string | undefined {
    return this.#link.current?.blocked;
  }

  /** Resolves when the broker has the message; rejects when that is not sure. */
  async send(raw: ConsumeMessage, to: WayBackQueue, attempt: number, delayMs: number): Promise<void> {
    const stepMs = delayMs > 0 ? stepFor(delayMs) : 0;
    const key = stepMs === 0 ? to.queue : delayQueueName(to.queue, stepMs);
    for (let again = 0; ; again++) {
      if (stepMs > 0) await this.#ensure(key, to, stepMs);
      try {
        await this.#outbound.push("", (job) => job.add(this.#outbound.idOf(raw), key, raw.content, backProperties(raw, to.queue, attempt)));
        return;
      } catch (error) {
        this.#declared.delete(key);
        if ((error as PublishError).code !== "UNROUTABLE" || again > 0 || stepMs === 0) throw error;
      }
    }
  }

  async close(): Promise<void> {
    this.#outbound.stop();
    await this.#link.close();
  }

  #ensure(name: string, to: WayBackQueue, stepMs: number): Promise<void> | undefined {
    const at = this.#declared.get(name);
    if (at !== undefined && monotonicMs() - at < SPARE_MS / 2) return undefined;
    let declaring = this.#declaring.get(name);
    if (declaring === undefined) {
      declaring = this.#declare(name, to, stepMs).finally(() => this.#declaring.delete(name));
      this.#declaring.set(name, declaring);
    }
    return declaring;
  }

  async #declare(name: string, { queue, durable, quorum }: WayBackQueue, stepMs: number): Promise<void> {
    if (Buffer.byteLength(name) > 255) throw new MillraceError(`the name of the delay queue ${name.slice(0, 32)}… is too long`, { code: "BAD_TOPIC" });
    const link = await this.#link.open();
    const at = monotonicMs();
    const channel = await link.model.createChannel();
    channel.on("error", () => {}); // the declaration rejects
    await channel.assertQueue(name, {
      durable,
      arguments: {
        "x-message-ttl": stepMs,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-expires": stepMs + SPARE_MS,
        // Quorum queues hand over with confirmations; classic ones only within the one node.
        ...(quorum ? { "x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish" } : {}),
      },
    });
    this.#declared.set(name, at);
    leaveChannel(channel);
  }
}
