import type { BatchHandler, ConsumerHandler, From, Handler, Middleware, OrderBy, Publisher, Subscriber } from "../message/index.ts";
import type { FailurePolicy } from "./failure-policy.ts";
import type { MessageContract } from "./health.ts";

/** What every kind of handler takes. */
export interface HandlerOptions {
  /** Names the handler in logs, metrics and health. It is part of the default group: renaming the handler, or its service, starts a new group. */
  readonly name: string;
  /** A topic of the router's own subscriber, or a topic with its subscriber. Several topics share the handler's slots; order holds per topic and key. */
  readonly subscribe: string | readonly string[] | { readonly subscriber: Subscriber; readonly topic: string | readonly string[] };
  /**
   * Members of one group share the messages. Default: the router's service and the handler's name, `billing.print`; the name alone where
   * the router has no service. `false`: no group, every process gets all messages from now on, and no position is kept.
   */
  readonly group?: string | false | undefined;
  /** Where a new group begins. Default: the subscriber's. */
  readonly from?: From | undefined;
  /** Messages handled at a time. Default 1. Above it, order is kept per key. */
  readonly concurrency?: number | undefined;
  readonly orderBy?: OrderBy | undefined;
  /** Replaces the router's policy, field by field. */
  readonly failure?: FailurePolicy | undefined;
  readonly middleware?: readonly Middleware[] | undefined;
  /** After a timeout, an abort or a loss a call that does not end is abandoned after this many milliseconds. Default 30,000. */
  readonly abandonAfterMs?: number | undefined;
  /** What it takes and gives: shown by `describe()`, and no more. */
  readonly contracts?: readonly MessageContract[] | undefined;
}

/** A handler whose results are published to a topic; the message is acked when that is confirmed. */
export interface ProducingHandlerOptions extends HandlerOptions {
  /** With one topic all results go there; with several each result names its own (`topic`), and one that does not fails permanently. */
  readonly publish: string | readonly string[] | { readonly publisher: Publisher; readonly topic: string | readonly string[] };
  /** Messages handled ahead while earlier results wait for their confirmation. Default 0. */
  readonly pipeline?: number | undefined;
  readonly handle: Handler;
}

export interface ConsumerHandlerOptions extends HandlerOptions {
  readonly publish?: never;
  readonly handle: ConsumerHandler;
}

export interface BatchHandlerOptions extends HandlerOptions {
  readonly publish?: never;
  /**
   * Most messages in one call. `size × concurrency` are in flight at most. Above 1 there is order per key only, also with `concurrency` 1: a message
   * without a key that fails lets those behind it pass.
   */
  readonly size: number;
  /** A batch that is not full is handled this many milliseconds after its first message. */
  readonly maxWaitMs: number;
  readonly handle: BatchHandler;
}

/** One handler of a router, from outside. */
export interface HandlerHandle {
  readonly name: string;
  /** Resolves when it is subscribed; rejects when it could not be. Nobody has to listen. */
  readonly started: Promise<void>;
  /** Resolves when it has ended and nothing of it is in flight. */
  readonly stopped: Promise<void>;
  /** For handlers not yet started. Throws `HANDLER_STARTED` afterwards. */
  addMiddleware(...middleware: readonly Middleware[]): this;
  /** From now on no call begins: what has not begun goes back. Calls that run go on; the place in the group is kept. */
  pause(): void;
  resume(): void;
  /** Drains and closes this handler's subscription. Publishers and subscribers stay open. Its name is free afterwards. */
  stop(): Promise<void>;
}
