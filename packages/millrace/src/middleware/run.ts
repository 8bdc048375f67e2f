import { type Deferred, deferred } from "../internal/deferred.ts";
import { inHandOf } from "../message/in-hand.ts";
import type { ReceivedMessage, Verdict } from "../message/index.ts";
import { deliveryOf } from "./delivery-of.ts";

/**
 * One call of a handler, until it is known whether it counts. It succeeds when the handler has returned, nobody has said nack, and the
 * message is acked by a router that does not take the call for failed: only then all that is further out has succeeded as well.
 */
export class Run {
  readonly message: ReceivedMessage;
  readonly delivery: object;
  readonly #onOver: (succeeded: boolean) => void;
  readonly #routed: boolean;
  #returned = false;
  #watched = false;
  /** Of a message behind which nothing stands. */
  #told: Verdict | undefined;
  #outcome: boolean | undefined;
  #ended: Deferred<void> | undefined;

  constructor(message: ReceivedMessage, onOver: (succeeded: boolean) => void) {
    this.message = message;
    this.delivery = deliveryOf(message);
    this.#onOver = onOver;
    this.#routed = inHandOf(message)?.call !== undefined;
  }

  /** Whether it has succeeded, as far as can be told at once: a redelivery may come before anybody was told of the verdict. */
  get outcome(): boolean | undefined {
    this.#look();
    return this.#outcome;
  }

  /** Resolves when its outcome is known, or another call of the same delivery takes its place. */
  get ended(): Promise<void> {
    if (this.#ended === undefined) {
      this.#ended = deferred();
      this.#watch();
      this.#watchCall();
    }
    return this.#ended.promise;
  }

  /** The same delivery may be handed in again: no router has ended its call. */
  get inHand(): boolean {
    return !this.#routed || inHandOf(this.message)?.call !== undefined;
  }

  /** The handler has returned. */
  returned(): void {
    this.#returned = true;
    if (!this.#watched) this.#watch();
    else this.#look(); // a message that was acked early has its verdict
  }

  over(succeeded: boolean): void {
    this.#outcome = succeeded;
    this.#ended?.resolve();
    this.#onOver(succeeded);
  }

  /** A router may abandon the call of a message that has its verdict already, acked early for one. */
  #watchCall(): void {
    const signal = this.#routed ? inHandOf(this.message)?.signal : undefined;
    const givenUp = (): void => {
      if (this.#outcome === undefined && !this.#returned) this.over(false);
    };
    if (signal?.aborted) givenUp();
    else signal?.addEventListener("abort", givenUp, { once: true });
  }

  #look(): void {
    if (this.#outcome !== undefined) return;
    const inHand = inHandOf(this.message);
    const verdict = inHand?.verdict ?? this.#told;
    if (verdict === "nacked" || verdict === "lost") this.over(false);
    else if (this.#returned && inHand?.nacked === true) this.over(false);
    else if (this.#returned && verdict === "acked") this.over(inHand?.failed !== true);
  }

  #watch(): void {
    if (this.#watched) return;
    this.#watched = true;
    const onVerdict = (verdict: Verdict): void => {
      this.#told = verdict;
      this.#look();
    };
    this.message.settled.then(onVerdict, () => onVerdict("lost"));
  }
}
