import type { MaybePromise } from "../../message/index.ts";
import type { Outgoing } from "./outgoing.ts";
import type { PublishWay } from "./publish-calls.ts";

/** How an adapter reaches its broker, for a `PublishQueue`. */
export interface PublishTarget<Item, Link> extends PublishWay<Item> {
  /**
   * Opens what the messages of a lane go over. Called when there is something to send, and again after a failure or a loss, with backoff;
   * an error that is not `retryable` ends the lane's calls. `lost` says that the link is broken: it is connected anew, and
   * what it has not answered is unknown.
   */
  connect(lane: string, lost: (error: unknown) => void, signal: AbortSignal): MaybePromise<Link>;
  /**
   * Asked before a message is sent; without an answer it is one of the next `send`. A promise: nothing of the lane is sent before it resolves,
   * then it is asked again; if it rejects for good, the message is rejected.
   */
  ready?(link: Link, message: Outgoing<Item>): Promise<void> | undefined;
  /**
   * Sends the messages, in this order, and answers each of them at any time; those behind one that it cannot send, of the same call
   * (`call.failed`), are to be rejected too. While its promise is pending nothing else of the lane is
   * sent: a broker that is asked one thing at a time needs no more than that. Those that a throw leaves without an answer are unknown.
   */
  send(link: Link, batch: readonly Outgoing<Item>[]): MaybePromise<void>;
  /** The lane needs its link no more. Not called for one that was lost. */
  disconnect(link: Link): MaybePromise<void>;
}
