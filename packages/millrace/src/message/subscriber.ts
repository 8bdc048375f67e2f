import type { MetadataInit } from "./metadata.ts";
import type { Native } from "./native.ts";
import type { Publisher } from "./publisher.ts";
import type { ReceivedMessage } from "./received-message.ts";

/** Where a new group, or a reading without a group, begins. */
export type From = "earliest" | "latest" | { readonly time: Date } | { readonly position: string };

/** Gives the ordering key of a message, or `"none"` for no order at all. */
export type OrderBy = ((message: ReceivedMessage) => string | undefined) | "none";

export interface SubscribeOptions {
  /** Subscriptions of one group share the messages. Without a group a subscription gets all of them and leaves no position behind. */
  readonly group?: string | undefined;
  /** Where a new group begins: `"earliest"` by default wherever the adapter can replay. */
  readonly from?: From | undefined;
  /** Handed-out, unsettled messages at a time. Default 1: the whole subscription is one ordered lane. */
  readonly maxInFlight?: number | undefined;
  /** The ordering key above one in flight. Default: the broker's own (partition, FIFO group), else `message.key`. */
  readonly orderBy?: OrderBy | undefined;
  /** Closes the subscription when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Messages of one lane that may be handed out unsettled. Default 1; who asks for more keeps their order himself. */
  readonly perKey?: number | undefined;
  /** Where bytes go that cannot be decoded. Without it they are stepped over on a log, kept out of the way on a queue. */
  readonly undecodable?: ((record: UndecodableRecord) => Promise<void>) | undefined;
}

/** Bytes that could not be decoded. */
export interface UndecodableRecord {
  readonly topic: string;
  readonly position: string;
  readonly payload: Uint8Array;
  readonly error: unknown;
  /** What could be read of it beside. */
  readonly key?: string | Uint8Array | undefined;
  readonly metadata?: MetadataInit | undefined;
  /** What its broker alone knows of it, for a dead letter there: see `Native` of `millrace/adapter`. */
  readonly native?: Native | undefined;
}

/** Opens subscriptions to topics. */
export interface Subscriber extends AsyncDisposable {
  /** What its broker promises. Absent: not known. */
  readonly capabilities?: Capabilities | undefined;
  /** What tools may ask of the broker. Absent: nothing. */
  readonly admin?: BrokerAdmin | undefined;
  /** Resolves when the subscription is in place: what is published afterwards is not missed. */
  subscribe(topic: string, options?: SubscribeOptions): Promise<Subscription>;
  /** Makes what a later subscription needs (queue, stream, topic, offsets row), so that nothing published before it is missed. */
  provision?(topic: string, options?: Pick<SubscribeOptions, "group" | "from">): Promise<void>;
  /** Drains its subscriptions, then releases everything. Idempotent, always ends. */
  close(): Promise<void>;
}

/**
 * What tools ask of a broker. A question that it cannot answer is left out, never guessed. A group is named as in `subscribe`.
 * Nothing is made by asking: rejects with `UNKNOWN_TOPIC` or `UNKNOWN_GROUP` for what is not there, with `OptionError` for what
 * is no name or place, after `close()` with `CLOSED`.
 */
export interface BrokerAdmin {
  topics?(): Promise<readonly string[]>;
  /** The groups that have a position in the topic, with or without members. */
  groups?(topic: string): Promise<readonly string[]>;
  /** Messages not yet settled by the group, and when the oldest of them was published. */
  lag?(topic: string, group: string): Promise<{ readonly messages: number; readonly oldestAt?: Date | undefined }>;
  /**
   * Moves a group: what it reads next is what a new group would begin with. Rejects with `GROUP_BUSY` while members have messages
   * in hand, or, where the broker demands that there be none, while there are members.
   */
  seek?(topic: string, group: string, to: From): Promise<void>;
  /**
   * Forgets a group: the next subscription of that name begins as a new one. Rejects with `GROUP_BUSY` as `seek` does; an idle member that
   * may stay begins the group anew at once, where its own subscription says.
   */
  deleteGroup?(topic: string, group: string): Promise<void>;
}

export interface DrainOptions {
  /** Default 30,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type HandlerState = "starting" | "running" | "paused" | "blocked" | "failing" | "reconnecting" | "stopped";

export interface SubscriptionStatus {
  readonly state: HandlerState;
  /** When that state began; another cause of it is no other state. */
  readonly since: Date;
  /** Handed out and unsettled. */
  readonly inFlight: number;
  /** Fetched, not handed out. */
  readonly held: number;
  /**
   * Messages not yet settled by the group, of all its members, whether or not the subscription is paused: what waits at the broker
   * as far as known, what is held, what is in flight. Absent where the broker does not tell.
   */
  readonly lag?: number | undefined;
  /** When the oldest of them was published, as far as this member knows without asking. */
  readonly oldestAt?: Date | undefined;
  /** What blocks it: key, position, address. */
  readonly detail?: string | undefined;
  /** `JSON.stringify` shows its name, message and code. */
  readonly lastError?: Error | undefined;
}

/**
 * Messages of one topic, read with `for await`.
 *
 * `break` ends the loop only: the subscription stays open, and the message in hand stays yours to settle. A second loop may
 * start afterwards; beside a running one it throws `SUBSCRIPTION_BUSY`. Without a reader nothing is handed out.
 * `close()`, `drain()` and the signal end the loop normally; a failure that cannot heal makes `next()` throw.
 */
export interface Subscription extends AsyncIterable<ReceivedMessage>, AsyncDisposable {
  readonly topic: string;
  /** Resolves when it has closed, rejects with the cause when it failed for good. Nobody has to listen. */
  readonly closed: Promise<void>;
  /** It closed because there is nothing more to come, ever: the end of a file. Nobody need take it up again. */
  readonly finished: boolean;
  status(): SubscriptionStatus;
  /** Hands out nothing more; keeps membership and gives back what was not handed out. */
  pause(): void;
  resume(): void;
  /** Resolves when every verdict so far is durable at the broker; else rejects with a `SettleError` that names the rest. */
  flush(): Promise<void>;
  /** Stops fetching, waits until what was handed out is settled, flushes, closes. At the deadline: aborts, gives back, closes. */
  drain(options?: DrainOptions): Promise<void>;
  /** As `drain()`, with the default time. Idempotent. `[Symbol.asyncDispose]` does not wait: it gives back at once. */
  close(): Promise<void>;
}

export interface PubSub extends Publisher, Subscriber {}

/** What an adapter promises; the conformance suite proves every claim. */
export interface Capabilities {
  /** A confirmed message survives a crash of the process and of the broker. */
  readonly durable: boolean;
  /** An earlier position can be read again. */
  readonly replay: boolean;
  readonly consumerGroups: boolean;
  /** Can subscribe without a group. */
  readonly groupless: boolean;
  readonly ordering: "none" | "one-member" | "per-key";
  /** Carries `message.key`. */
  readonly keys: boolean;
  /** The broker itself holds back what was nacked with a delay. */
  readonly nativeDelay: boolean;
  readonly redelivers: boolean;
  readonly attemptsSurviveCrash: boolean;
  readonly transactionalPublish: boolean;
  readonly deduplicatesPublish: boolean;
  /** How many milliseconds a published message can be held back: 0 for not at all, `Infinity` for no limit. */
  readonly maxPublishDelayMs: number;
  /** How long a handler may hold a message; `Infinity` where a lease can be renewed for ever. */
  readonly maxHandlingMs: number;
  readonly stability: "stable" | "beta" | "experimental";
}
