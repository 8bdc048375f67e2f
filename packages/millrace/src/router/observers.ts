import { heard } from "../internal/heard.ts";
import type { Logger } from "../logger/index.ts";
import type { HandlerIdentity, ReceivedMessage, SubscriptionStatus, Verdict } from "../message/index.ts";

/** What became of a message in hand: `returned` is handed back uncounted, `lost` is refused by the broker. */
export type Outcome = "acked" | "retried" | "deadLettered" | "returned" | "lost";

/** What became of a message that had its verdict before its call ended. */
export const OUTCOMES: Readonly<Record<Verdict, Outcome>> = Object.freeze({ acked: "acked", nacked: "retried", lost: "lost" });

export interface HandledEvent {
  readonly by: HandlerIdentity;
  readonly message: ReceivedMessage;
  /** From the hand-out to the verdict. */
  readonly durationMs: number;
  readonly outcome: Outcome;
  readonly error?: unknown;
}

export interface PublishedEvent {
  readonly by: HandlerIdentity | undefined;
  readonly topic: string;
  readonly count: number;
  readonly durationMs: number;
  readonly error?: unknown;
}

export interface StateEvent {
  readonly by: HandlerIdentity;
  readonly status: SubscriptionStatus;
}

/**
 * One hook for metrics, error reports and pages. Called at once, not awaited; an observer that throws, or rejects, is logged and changes nothing.
 * Costs nothing where nobody observes.
 */
export interface Observer {
  /** A message has its verdict. */
  handled?(event: HandledEvent): void;
  /** A publish of results has ended. */
  published?(event: PublishedEvent): void;
  /** A handler has another state, or its state another cause. */
  state?(event: StateEvent): void;
}

/** Those who observe a router. */
export class Observers {
  readonly #logger: Logger;
  #all: readonly Observer[] = [];
  /** Somebody observes: asked for every message. */
  any = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(observer: Observer): () => void {
    const own: Observer = {
      handled: (event) => observer.handled?.(event),
      published: (event) => observer.published?.(event),
      state: (event) => observer.state?.(event),
    }; // one of its own: an observer may be added twice
    this.#set([...this.#all, own]);
    return () => this.#set(this.#all.filter((known) => known !== own));
  }

  handled(event: HandledEvent): void {
    this.#tell((observer) => observer.handled?.(event));
  }

  published(event: PublishedEvent): void {
    this.#tell((observer) => observer.published?.(event));
  }

  state(event: StateEvent): void {
    this.#tell((observer) => observer.state?.(event));
  }

  #set(all: readonly Observer[]): void {
    this.#all = all;
    this.any = all.length > 0;
  }

  #tell(tell: (observer: Observer) => unknown): void {
    for (const observer of this.#all) {
      try {
        heard(tell(observer), this.#onFailure);
      } catch (error) {
        this.#onFailure(error);
      }
    }
  }

  readonly #onFailure = (error: unknown): void => this.#logger.error({ error }, "an observer failed");
}
