import type { SubscriptionStatus } from "../message/index.ts";

/** How often what happened since the handler was added. */
export interface HandlerCounts {
  /** Handled with success. */
  readonly handled: number;
  /** Handler calls that failed. */
  readonly failed: number;
  /** Messages given back to be tried again. */
  readonly retried: number;
  readonly deadLettered: number;
  readonly undecodable: number;
  /** Calls that did not end in time after a timeout or a loss. */
  readonly abandoned: number;
  readonly reconnected: number;
}

export interface HandlerHealth extends SubscriptionStatus {
  /** The most attempts of a message that is failing now; 0 when none is. */
  readonly attempts: number;
  readonly counts: HandlerCounts;
  readonly lastMessageAt?: Date | undefined;
}

/**
 * `ready`: the router runs, and every handler is subscribed and connected. `live`: the process is worth keeping; false as long as there is a
 * handler whose subscriber was closed behind the router's back, which nothing but a new one can mend.
 */
export interface Health {
  readonly live: boolean;
  readonly ready: boolean;
  readonly handlers: Readonly<Record<string, HandlerHealth>>;
}

/** One kind of message that a handler takes or gives. */
export interface MessageContract {
  readonly name: string;
  readonly version?: string | undefined;
  readonly topic: string;
  readonly direction: "in" | "out";
  readonly jsonSchema?: unknown;
}

export interface DescribedEnd {
  readonly topic: string;
  readonly adapter: string;
}

/** What is wired to what. */
export interface Description {
  readonly service: string | undefined;
  readonly handlers: ReadonlyArray<{
    readonly name: string;
    readonly kind: "handler" | "consumer" | "batch";
    readonly group: string | false;
    /** What it takes and gives, where it says so. */
    readonly contracts: readonly MessageContract[];
    readonly subscribe: readonly DescribedEnd[];
    readonly publish: readonly DescribedEnd[];
  }>;
}
