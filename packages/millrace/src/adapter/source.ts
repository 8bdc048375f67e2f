import type { Delivery, MaybePromise, UndecodableRecord as UndecodableRecordOfTopic } from "../message/index.ts";
import type { Received } from "./received.ts";

/**
 * What a broker family supplies for one subscription. Everything else (lanes, order, prefetch, parking, verdicts, batching,
 * supervision, status) is in `AdapterSubscription`, which calls this.
 *
 * `Receipt` is the adapter's own: what it needs to settle a delivery (offset, delivery tag, entry id).
 */
export interface Source<Receipt> {
  /**
   * Connects, declares, joins. Resolves when messages published from now on will not be missed. Called again, with backoff,
   * after `intake.fail`. An error that is a `MillraceError` with `retryable: false` ends the subscription for good.
   */
  open(intake: Intake<Receipt>, signal: AbortSignal): MaybePromise<Session<Receipt>>;
}

/**
 * One connection's worth of a subscription. Methods are called by the subscription, never concurrently with themselves.
 *
 * A session that fails leaves its deliveries where they are: `close` is called while they are ours, and `holds` and `describe` go on
 * being asked until another session is open. That one gets their verdicts, and what was given back meanwhile: what they need has to be
 * kept in the source. A session that cannot keep them calls `intake.lose` before `intake.fail`.
 */
export interface Session<Receipt> {
  /**
   * The subscription has room for `count` more messages than it has now (not added to an earlier `want`: this number replaces
   * it). Deliver them with `intake.deliver`, now or when they come. 0 means stop.
   */
  want(count: number): void;
  /**
   * Makes verdicts durable, in the order given. Rejecting means that none of them is; they are kept and offered again, after
   * a reopened session too. With `final` (flush, drain) whatever cannot be made durable is named by rejecting with a `SettleError`.
   */
  settle(verdicts: readonly Settlement<Receipt>[], final: boolean): MaybePromise<void>;
  /** Instead of `settle` for acks that need no waiting at all: called at once, for each. */
  acked?(message: Received<Receipt>): void;
  /** Takes back messages that were never handed out (or whose handler never began), oldest first. No attempt is counted. */
  giveBack(messages: readonly Received<Receipt>[]): void;
  /**
   * Leaves: closes what the session opened. When the subscription ends (the signal of `open` is aborted) everything was settled or given
   * back before, and what the broker still lends to it goes back now; after a failure the deliveries are ours still. Should not reject.
   */
  close(): MaybePromise<void>;
  /**
   * False when the delivery may already belong to another (its lease ran out); then it is lost. Asked at every verdict, also after the
   * session has failed, and then four times a second of all that is in hand, until another session is open. Must be fast.
   */
  holds?(message: Received<Receipt>): boolean;
  /** Fields of `message.delivery` that only the adapter knows. Called when somebody looks, also after the session has ended. */
  describe?(message: Received<Receipt>): Partial<Delivery>;
  /** True when nothing is left to fetch; lets `router.idle()` wait for a backlog that is still at the broker. */
  caughtUp?(): MaybePromise<boolean>;
  /** Messages not yet settled by this group: at the broker as far as known, held here, and in flight. Known without asking, or absent. */
  lag?(): number | undefined;
  /** When the oldest of them was published, where that is known without asking. */
  oldestAt?(): Date | undefined;
}

export type Settlement<Receipt> =
  /** Done. */
  | { readonly kind: "ack"; readonly message: Received<Receipt> }
  /** Goes back to the broker, to be delivered again after `delayMs`. Only where `AdapterSettings.returns` is true. */
  | { readonly kind: "return"; readonly message: Received<Receipt>; readonly delayMs: number }
  /** Failed and kept here for another attempt (number `attempt`): for brokers where attempts survive a crash. */
  | { readonly kind: "kept"; readonly message: Received<Receipt>; readonly attempt: number };

/** The way in: what a session calls. Calls after the session was closed or failed are ignored, but for `lose`, `recall` and `undecodable`. */
export interface Intake<Receipt> {
  deliver(message: Received<Receipt>): void;
  /**
   * These deliveries may now belong to another: their signals abort, late verdicts answer false. Without a list: all of them. Not
   * ignored after the session has failed: a lease may end while there is none.
   */
  lose(which?: (message: Received<Receipt>) => boolean): void;
  /** Takes out what was delivered and not handed out yet (a partition that is to be given up), oldest first. No attempt is counted. */
  recall(which: (message: Received<Receipt>) => boolean): readonly Received<Receipt>[];
  /** The session is broken; the subscription opens another, with backoff. What was delivered stays ours unless `lose` was called. */
  fail(error: unknown): void;
  /** Something holds the source up that health should show (a gap, a foreign member); `undefined` when it is over. */
  blocked(detail: string | undefined): void;
  /**
   * Bytes that could not be decoded: counted, logged with topic and position, and sent raw to the dead letter if there is one.
   * Resolves when the record may be stepped over: true when the dead letter has it, false when there is none. With `again` it was told of
   * before, and the dead letter is tried once more.
   */
  undecodable(record: UndecodableRecord, again?: boolean): Promise<boolean>;
}

export type UndecodableRecord = Omit<UndecodableRecordOfTopic, "topic">;
