import type { ConsumeMessage } from "amqplib";
import { monotonicMs, startTimer, stopTimer, type TimerHandle } from "millrace/adapter";
import { heldMs } from "./delay/delay-route.ts";
import type { QueueRules } from "./queue-rules.ts";

/** How a delivery leaves its session. Does nothing when it has left already. */
export interface Exits {
  ack(raw: ConsumeMessage): void;
  requeue(raw: ConsumeMessage): void;
  reject(raw: ConsumeMessage): void;
}

/** After a failure to send it back a message waits here for at least so long. */
const LEAST_WAIT_MS = 1_000;
/** What the way through the broker's queues takes. */
const WAY_MS = 200;
/** How often what is on its way back is looked after: the broker tells a connection that it is blocked only after that one has published. */
const LOOK_MS = 1_000;

/** Messages of a session on their way back to the broker with a delay. Each is acked when its copy is confirmed. */
export class Returns {
  readonly #rules: QueueRules;
  readonly #exits: Exits;
  readonly #showBlocked: (detail: string | undefined) => void;
  readonly #underWay = new Set<Promise<void>>();
  readonly #waiting = new Map<TimerHandle, ConsumeMessage>();
  #closed = false;
  #blocked = false;
  #looking: TimerHandle | undefined;
  /** When the last message that went back is due. */
  lastDueMs = 0;

  constructor(rules: QueueRules, exits: Exits, showBlocked: (detail: string | undefined) => void) {
    this.#rules = rules;
    this.#exits = exits;
    this.#showBlocked = showBlocked;
  }

  /** `expected`: it will be handled when it is due, so that nobody is done before. */
  send(raw: ConsumeMessage, attempt: number, delayMs: number, expected = true): void {
    if (expected) this.lastDueMs = Math.max(this.lastDueMs, monotonicMs() + heldMs(delayMs) + WAY_MS);
    const sending = this.#send(raw, attempt, delayMs).finally(() => {
      this.#underWay.delete(sending);
      if (this.#underWay.size === 0) this.#lookAway();
    });
    this.#underWay.add(sending);
    this.#look();
  }

  /** Resolves when nothing is on its way; what waits here goes back at once, its delay lost. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    for (const [timer, raw] of this.#waiting) {
      stopTimer(timer);
      this.#exits.requeue(raw);
    }
    this.#waiting.clear();
  }

  close(): void {
    this.#closed = true;
    stopTimer(this.#looking);
    for (const timer of this.#waiting.keys()) stopTimer(timer);
    this.#waiting.clear();
  }

  async #send(raw: ConsumeMessage, attempt: number, delayMs: number): Promise<void> {
    const { wayBack, logger, queue, topic } = this.#rules;
    try {
      await wayBack.send(raw, this.#rules, attempt, delayMs);
      this.#exits.ack(raw);
    } catch (error) {
      if (this.#closed) return;
      logger.warn({ topic, adapter: "rabbitmq", queue, error }, "a nacked message could not go back with its delay, it waits here");
      const timer = startTimer(
        () => {
          this.#waiting.delete(timer);
          this.#exits.requeue(raw);
        },
        Math.max(delayMs, LEAST_WAIT_MS),
      );
      this.#waiting.set(timer, raw);
    }
  }

  #look(): void {
    if (this.#closed) return;
    const { hindrance } = this.#rules.wayBack;
    this.#show(hindrance === undefined ? undefined : `the broker takes no messages (${hindrance}): what was nacked cannot go back`);
    this.#looking ??= startTimer(() => {
      this.#looking = undefined;
      this.#look();
    }, LOOK_MS);
  }

  #lookAway(): void {
    stopTimer(this.#looking);
    this.#looking = undefined;
    this.#show(undefined);
  }

  #show(detail: string | undefined): void {
    if (detail === undefined && !this.#blocked) return;
    this.#blocked = detail !== undefined;
    if (!this.#closed) this.#showBlocked(detail);
  }
}
