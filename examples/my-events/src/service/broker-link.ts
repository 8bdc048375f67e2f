import { setTimeout as sleep } from "node:timers/promises";
import { type HandlerHealth, type Logger, type Message, type PubSub, Router } from "millrace";
import { Forwarder } from "millrace/forwarder";
import { type EventName, groupOf, reading, type ServiceName } from "../contracts/index.ts";
import { type DurableOutbox, OUTBOX_GROUP, OUTBOX_TOPIC } from "./durable-outbox.ts";
import type { Journal } from "./journal.ts";

/** Where messages go that break their contract. */
export const DEAD_LETTERS = "my-events.dead-letters";

const CLOSE_PATIENCE_MS = 3_000;

export interface HandlerReport {
  readonly name: string;
  readonly topic: string;
  readonly group: string;
  readonly state: string;
  readonly handled: number;
  readonly lag?: number | undefined;
  readonly lastMessageAt?: string | undefined;
}

export interface BrokerLinkOptions {
  readonly service: ServiceName;
  readonly journal: Journal;
  readonly outbox: DurableOutbox;
  readonly broker: PubSub;
  readonly logger: Logger;
}

/** Ties a service to the broker: what it hears goes into its journal, what lies in its outbox goes out. */
export class BrokerLink {
  readonly #options: BrokerLinkOptions;
  readonly #router: Router;
  readonly #forwarder: Forwarder;
  readonly #handled: Map<string, number> = new Map();
  readonly #stop: AbortController = new AbortController();
  #linked = false;
  #linking: Promise<void> | undefined;

  constructor(options: BrokerLinkOptions) {
    const { service, journal, outbox, broker, logger } = options;
    this.#options = options;
    this.#router = new Router({
      subscriber: broker,
      logger,
      drainTimeoutMs: CLOSE_PATIENCE_MS,
      // A message is only given up when it can never be taken in. A full disk or a locked database must not lose any.
      failure: { attempts: Number.MAX_SAFE_INTEGER, minDelayMs: 50, maxDelayMs: 1_000, deadLetter: { publisher: broker, topic: DEAD_LETTERS } },
    });
    for (const event of reading[service]) {
      const name = groupOf(service, event);
      const handle = async (message: Message): Promise<void> => {
        await journal.hear(event, message);
        this.#count(name);
      };
      this.#router.addConsumerHandler({ name, group: name, subscribe: event, handle });
    }
    this.#forwarder = new Forwarder({
      subscriber: outbox.subscriber,
      publisher: broker,
      topic: OUTBOX_TOPIC,
      group: OUTBOX_GROUP,
      logger,
      drainTimeoutMs: CLOSE_PATIENCE_MS,
      failure: { minDelayMs: 50, maxDelayMs: 1_000 },
      middleware: [
        (next) => (message) => {
          this.#count(`${service}.forwarder`);
          return next(message);
        },
      ],
    });
  }

  /** True while the service hears and is heard. */
  get linked(): boolean {
    return this.#linked && this.#router.health().ready && this.#forwarder.health().ready;
  }

  /** Begins to link, and goes on trying: the service answers meanwhile. Resolves when it is linked or closed. */
  start(): Promise<void> {
    this.#linking ??= this.#link();
    return this.#linking;
  }

  handlers(): HandlerReport[] {
    const router = this.#router.health().handlers;
    const forwarder = `${this.#options.service}.forwarder`;
    return [
      ...this.#router.describe().handlers.map(({ name, group, subscribe }) => this.#report(name, subscribe[0]?.topic ?? "", group || name, router[name])),
      this.#report(forwarder, OUTBOX_TOPIC, OUTBOX_GROUP, this.#forwarder.health().handlers[this.#forwarder.name]),
    ];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    // A broker that does not answer must not keep the service from ending.
    await Promise.race([this.#linking, sleep(CLOSE_PATIENCE_MS, undefined, { ref: false })]);
    const results = await Promise.allSettled([this.#forwarder.close(), this.#router.close()]);
    for (const result of results)
      if (result.status === "rejected") this.#options.logger.warn({ error: result.reason }, "the link to the broker did not close cleanly");
  }

  #count(name: string): void {
    this.#handled.set(name, (this.#handled.get(name) ?? 0) + 1);
  }

  #report(name: string, topic: string, group: string, health: HandlerHealth | undefined): HandlerReport {
    const { state = "starting", lag, lastMessageAt } = health ?? {};
    return { name, topic, group, state, handled: this.#handled.get(name) ?? 0, lag, lastMessageAt: lastMessageAt?.toISOString() };
  }

  async #link(): Promise<void> {
    for (let delayMs = 200; !this.#stop.signal.aborted; delayMs = Math.min(delayMs * 2, 5_000)) {
      try {
        await this.#provision();
        await this.#router.start();
        await this.#forwarder.start();
        this.#linked = true;
        return;
      } catch (error) {
        this.#options.logger.warn({ error, delayMs }, "cannot reach the broker, trying again");
        await this.#router.close().catch(() => {});
        await sleep(delayMs, undefined, { signal: this.#stop.signal }).catch(() => {});
      }
    }
  }

  /** Makes every reader's place before anything is sent, so that a reader which has never run yet misses nothing. */
  async #provision(): Promise<void> {
    const { broker } = this.#options;
    for (const [service, events] of Object.entries(reading) as [ServiceName, readonly EventName[]][]) {
      for (const event of events) await broker.provision?.(event, { group: groupOf(service, event) });
    }
  }
}
