import { isPermanent } from "../errors/index.ts";
import { asError } from "../internal/as-error.ts";
import { backoffMs } from "../internal/backoff.ts";
import { type DeadLetterFacts, deadLetter, undecodableLetter } from "../message/dead-letter.ts";
import type { BriefMessage } from "../message/in-hand.ts";
import type { Publisher, UndecodableRecord, Verdict } from "../message/index.ts";
import { isInterruption } from "../message/interruption.ts";
import { reasonText } from "../message/reason-text.ts";
import { retryAfterMs } from "../message/retry-after.ts";
import type { Call } from "./calls/call.ts";
import type { Origin } from "./calls/company.ts";
import type { Desk } from "./calls/desk.ts";
import { tokenOf } from "./calls/identity.ts";
import { overtakeBehind, untilHead } from "./calls/in-line.ts";
import { type FailurePolicy, type KnownPolicy, knownPolicy } from "./failure-policy.ts";
import { OUTCOMES } from "./observers.ts";
import { readable } from "./thrown.ts";

/** Gives each message its verdict, when all before it in its line have theirs and its handler has really ended. */
export class Judge {
  readonly #policy: KnownPolicy;
  readonly #desk: Desk;
  readonly #deadLetter: { readonly publisher: Publisher; readonly topic: string } | undefined;

  constructor(policies: readonly (FailurePolicy | undefined)[], desk: Desk) {
    this.#policy = knownPolicy(policies);
    this.#deadLetter = this.#policy.deadLetter;
    this.#desk = desk;
    desk.failing.policy = this.#policy;
  }

  /** The handler returned, and its results are confirmed. A promise only when there is something to wait for. */
  succeed(call: Call): Promise<void> | undefined {
    if (call.over) return undefined;
    if (hasToWait(call)) return this.#succeedLater(call);
    return this.#ack(call);
  }

  /** The same for a message that nobody has made a call of; false when there is something to weigh. */
  succeedBriefly(message: BriefMessage, origin: Origin): boolean {
    const desk = this.#desk;
    if (message.nacked || desk.failing.any) return false;
    message.end();
    let held: boolean;
    try {
      held = message.ack();
    } catch (error) {
      desk.endBriefly();
      origin.broken(error);
      return true;
    }
    if (!held) return this.#notHeld(message, origin);
    desk.counts.handled++;
    desk.endBriefly();
    return true;
  }

  #notHeld(message: BriefMessage, origin: Origin): true {
    const call = this.#desk.makeCall(message, origin);
    this.#desk.callOfBrief(message);
    this.#rememberSuccess(call);
    this.#handled(call, false);
    return true;
  }

  /** Apart: a function that holds the call would cost every message something. */
  #succeedLater(call: Call): Promise<void> {
    return this.#later(call, () => this.#ack(call));
  }

  fail(call: Call, thrown: unknown): Promise<void> | undefined {
    if (call.over) return undefined;
    const error = readable(thrown);
    if (call.inner === undefined && call.inHand.verdict === undefined && isInterruption(error, call.message)) {
      call.goBack(call.inHand.redeliveryDelayMs);
      return undefined;
    }
    if (hasToWait(call)) {
      if (!isInterruption(error, call.message)) this.#desk.lastError = asError(error); // it may take a while until it is judged
      return this.#later(call, () => this.#failed(call, error));
    }
    return this.#failed(call, error);
  }

  /** What a handler gave back is dropped: the message will be handled again, and its output now would be a duplicate. */
  dropsOutput(call: Call): boolean {
    if (call.lost && this.#desk.draining) call.known().forfeited = true;
    return call.over || (call.inHand.nacked && call.inHand.verdict !== "acked") || call.forfeited;
  }

  /** Where bytes go that no handler can see. */
  undecodable(): ((record: UndecodableRecord) => Promise<void>) | undefined {
    const to = this.#deadLetter;
    if (to === undefined) return undefined;
    return async (record) => {
      const { topic, position, error } = record;
      const letter = undecodableLetter(record, this.#facts(topic, error));
      for (let attempt = 1; ; attempt++) {
        try {
          return await to.publisher.publish(to.topic, letter);
        } catch (publishError) {
          this.#desk.lastError = asError(publishError);
          this.#desk.log(
            "error",
            undefined,
            { position, deadLetter: to.topic, attempt, error: publishError },
            "undecodable bytes could not be dead-lettered, trying on",
          );
          if (this.#desk.draining) throw publishError;
          await this.#desk.pause(backoffMs(attempt, this.#policy, 0));
        }
      }
    };
  }

  async #later(call: Call, then: () => Promise<void> | undefined): Promise<void> {
    call.conclude();
    await call.untilInnerEnded();
    await untilHead(call);
    if (call.overtaken) call.goBack();
    else if (!call.over) await then();
  }

  /** Nearly always there is nothing to weigh: no verdict yet, and nothing that failed. */
  #ack(call: Call): Promise<void> | undefined {
    const { verdict, nacked } = call.inHand;
    if (verdict !== undefined || nacked || call.forfeited || this.#desk.failing.any) return this.#weigh(call, verdict, nacked);
    this.#ackMessage(call);
    return undefined;
  }

  #weigh(call: Call, verdict: Verdict | undefined, nacked: boolean): Promise<void> | undefined {
    if (verdict === undefined && call.ownNack !== undefined && !call.forfeited) return this.#failed(call, call.ownNack.error); // its last attempt
    if (this.#desk.failing.any && verdict !== "nacked") this.#forget(call);
    if ((nacked || call.forfeited) && verdict !== "acked") this.#passOver(call, verdict);
    else if (verdict === undefined) this.#ackMessage(call);
    else {
      call.release();
      this.#handled(call, verdict !== "lost");
    }
    return undefined;
  }

  #ackMessage(call: Call): void {
    call.release();
    let held: boolean;
    try {
      held = call.message.ack();
    } catch (error) {
      call.end(false);
      call.origin.broken(error);
      return;
    }
    if (!held) this.#rememberSuccess(call);
    this.#handled(call, held);
  }

  #handled(call: Call, held: boolean): void {
    const desk = this.#desk;
    desk.counts.handled++;
    if (desk.observes) desk.observed(call, held ? "acked" : "lost", undefined);
    call.end(true);
  }

  /** Its handler returned, but said nack, or its results were dropped: it comes again. */
  #passOver(call: Call, verdict: Verdict | undefined): undefined {
    const desk = this.#desk;
    if (verdict === undefined) {
      call.goBack(); // its nack threw, or was refused by a foreign message that has not told why
      return;
    }
    const { ownNack } = call;
    const uncounted = ownNack?.counted === false;
    if (verdict === "nacked" && !uncounted) desk.counts.retried++;
    desk.observed(call, verdict === "lost" ? "lost" : uncounted ? "returned" : "retried", verdict === "lost" || uncounted ? undefined : ownNack?.error);
    overtakeBehind(call);
    desk.lines.await(call);
    call.end(false);
  }

  #failed(call: Call, error: unknown): Promise<void> | undefined {
    const { inHand, message } = call;
    const desk = this.#desk;
    const { verdict, redeliveryDelayMs: wishedMs } = inHand;
    if (verdict !== undefined) {
      if (verdict === "acked" || !isInterruption(error, message)) {
        if (verdict !== "nacked" || call.ownNack?.counted !== true) desk.counts.failed++; // else it counts already
        desk.lastError = asError(error);
        desk.log("warn", message, { error, verdict }, "handler failed after the verdict was given");
      }
      if (verdict !== "nacked" && desk.failing.any) this.#forget(call);
      desk.observed(call, OUTCOMES[verdict], error);
      if (verdict !== "acked") overtakeBehind(call);
      if (verdict === "lost") desk.lines.await(call);
      call.end(false);
      return undefined;
    }
    if (isInterruption(error, message)) {
      call.goBack(wishedMs ?? 0);
      return undefined;
    }
    desk.counts.failed++;
    desk.lastError = asError(error);
    const { attempt } = message.delivery;
    const permanent = isPermanent(error);
    if ((!permanent && attempt < this.#policy.attempts) || call.failedInCompany) {
      const delayMs = Math.max(wishedMs ?? backoffMs(attempt, this.#policy, 0), retryAfterMs(error) ?? 0);
      desk.log(
        "warn",
        message,
        { attempt, delayMs: Math.round(delayMs), error },
        `handler failed, the message will be tried again${call.failedInCompany ? ", alone" : ""}`,
      );
      this.#tryAgain(call, attempt, false, delayMs, error);
      return undefined;
    }
    if (this.#deadLetter !== undefined) return this.#bury(call, error, attempt, permanent);
    const delayMs = Math.max(wishedMs ?? 0, this.#policy.maxDelayMs, retryAfterMs(error) ?? 0);
    desk.log("error", message, { attempt, permanent, delayMs, error }, "handler failed and there is no dead letter: the message is kept and tried again");
    this.#tryAgain(call, attempt, true, delayMs, error);
    return undefined;
  }

  #tryAgain(call: Call, attempt: number, exhausted: boolean, delayMs: number, error: unknown): void {
    const { message, origin } = call;
    const desk = this.#desk;
    desk.failing.add(tokenOf(call), attempt, exhausted, delayMs, call.rare?.comesAlone);
    desk.failingChanged();
    overtakeBehind(call);
    desk.lines.await(call);
    call.release();
    let held = false;
    try {
      held = message.nack({ delayMs, reason: reasonText(error) });
    } catch (broken) {
      origin.broken(broken);
    }
    if (held) desk.counts.retried++;
    else this.#forget(call);
    desk.observed(call, held ? "retried" : "lost", error);
    call.end(false);
  }

  async #bury(call: Call, error: unknown, attempt: number, permanent: boolean): Promise<void> {
    const { publisher, topic } = this.#deadLetter as { readonly publisher: Publisher; readonly topic: string };
    const { message, inHand, origin } = call;
    const desk = this.#desk;
    const letter = deadLetter(message, { ...this.#facts(message.delivery.topic, error), attempts: attempt });
    try {
      await publisher.publish(topic, letter);
    } catch (publishError) {
      desk.log(
        "error",
        message,
        { deadLetter: topic, error: publishError, reason: reasonText(error) },
        "the dead letter could not be published, the message is kept",
      );
      desk.lastError = asError(publishError);
      if (!call.over) this.#tryAgain(call, attempt, true, this.#policy.maxDelayMs, publishError);
      return;
    }
    if (call.over) return;
    this.#forget(call);
    desk.log("error", message, { attempt, permanent, deadLetter: topic, error }, "handler failed for good, the message is in the dead letter");
    call.release();
    inHand.failed = true;
    let held = true;
    try {
      held = inHand.verdict === undefined && message.ack();
    } catch (broken) {
      held = false;
      origin.broken(broken);
    }
    if (!held) this.#rememberSuccess(call);
    desk.counts.deadLettered++;
    desk.observed(call, "deadLettered", error);
    call.end(true);
  }

  #rememberSuccess(call: Call): void {
    const token = tokenOf(call);
    if (token !== undefined) this.#desk.lost.end(token, call, true, this.#desk.orderOf(call.message));
  }

  #forget(call: Call): void {
    this.#desk.failing.forget(tokenOf(call));
    this.#desk.failingChanged();
  }

  #facts(topic: string, reason: unknown): DeadLetterFacts {
    const { handler, subscriber = "" } = this.#desk.taker;
    return { reason, topic, handler, subscriber };
  }
}

/** There is a verdict before its own, its handler goes on, or it has to go back. */
function hasToWait(call: Call): boolean {
  return call.before !== undefined || call.inner !== undefined || call.overtaken;
}
