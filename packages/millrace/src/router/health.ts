import type { SubscriptionStatus } from "../message/index.ts";

export interface HandlerHealth extends SubscriptionStatus {
  /** Of the messages it holds now, the most attempts. */
  readonly attempts: number;
  readonly lastMessageAt?: Date | undefined;
}

/** `live`: the process is worth keeping. `ready`: every handler is subscribed and connected. */
export interface Health {
  readonly live: boolean;
  readonly ready: boolean;
  readonly handlers: Readonly<Record<string, HandlerHealth>>;
}

/** What is wired to what. */
export interface Description {
  readonly handlers: ReadonlyArray<{
    readonly name: string;
    readonly kind: "handler" | "consumer" | "batch";
    readonly group: string;
    readonly subscribe: { readonly topic: string; readonly adapter: string };
    readonly publish?: { readonly topic: string; readonly adapter: string } | undefined;
  }>;
}
