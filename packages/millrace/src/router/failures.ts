import { backoffMs } from "../adapter/index.ts";
import { isPermanent, MillraceError } from "../errors/index.ts";
import type { Logger } from "../logger/index.ts";
import { ATTEMPTS_POISONED, HANDLER_POISONED, REASON_POISONED, SUBSCRIBER_POISONED, TOPIC_POISONED } from "../message/dead-letter-keys.ts";
import type { MessageDoors } from "../message/doors.ts";
import { isHandedBack } from "../message/handed-back.ts";
import { Message, type Publisher, type ReceivedMessage } from "../message/index.ts";
import { FAILURE_DEFAULTS, type FailurePolicy } from "./failure-policy.ts";
import type { LostRuns } from "./lost-runs.ts";

export interface FailureSubject {
  readonly handler: string;
  readonly topic: string;
  readonly adapter: string;
  readonly logger: Logger;
  /** Calls that outlived their delivery. */
  readonly lostRuns: LostRuns;
}

/** Decides what becomes of a message whose handler failed, and remembers which messages are failing now. */
export class Failures {
  readonly #policy: FailurePolicy & typeof FAILURE_DEFAULTS;
  readonly #subject: FailureSubject;
  readonly #deadLetter: { readonly publisher: Publisher; readonly topic: string } | undefined;
  /** Attempts so far of messages that will be tried again, by id. */
  readonly #failing: Map<string, number> = new Map();
  /** Those of them that have no attempts left. */
  readonly #spent: Set<string> = new Set();

  constructor(policies: readonly (FailurePolicy | undefined)[], subject: FailureSubject) {
    const policy: Record<string, unknown> = { ...FAILURE_DEFAULTS };
    for (const given of policies) for (const [name, value] of Object.entries(given ?? {})) if (value !== undefined) policy[name] = value;
    this.#policy = policy as unknown as FailurePolicy & typeof FAILURE_DEFAULTS;
    this.#deadLetter = this.#policy.deadLetter;
    this.#subject = subject;
  }

  /** The most attempts of a message that is failing now. */
  get attempts(): number {
    let most = 0;
    for (const attempts of this.#failing.values()) if (attempts > most) most = attempts;
    return most;
  }

  /** Something is tried for ever, because it cannot be given up. */
  get hopeless(): boolean {
    return this.#spent.size > 0;
  }

  forgetAll(): void {
    this.#failing.clear();
    this.#spent.clear();
  }

  /** Success: one look at a size unless something is failing. */
  onSuccess(message: ReceivedMessage): void {
    if (this.#failing.size > 0) this.#forget(message.id);
    if (this.#subject.lostRuns.size > 0) this.#subject.lostRuns.end(message.id, true);
  }

  /** Gives the verdict. Returns a promise only when a dead letter has to be published. */
  onFailure(message: ReceivedMessage, error: unknown): Promise<void> | undefined {
    const verdict = (message as MessageDoors).verdict;
    const { logger, lostRuns } = this.#subject;
    if (lostRuns.size > 0) lostRuns.end(message.id, false);
    if (verdict !== undefined) {
      logger.warn({ ...this.#fields(message), error, verdict }, "handler failed after the verdict was given");
      return undefined;
    }
    if (isHandedBack(error) || endedFromOutside(error)) {
      const { "millrace.handBack": handBack } = message as MessageDoors;
      if (handBack === undefined) message.nack({ reason: "handed back" });
      else handBack.call(message);
      return undefined;
    }
    const { attempt } = message.delivery;
    const permanent = isPermanent(error);
    if (!permanent && attempt < this.#policy.attempts) {
      const delayMs = backoffMs(attempt, this.#policy.minDelayMs, this.#policy.maxDelayMs);
      this.#failing.set(message.id, attempt);
      logger.warn({ ...this.#fields(message), attempt, delayMs: Math.round(delayMs), error }, "handler failed, the message will be tried again");
      message.nack({ delayMs, reason: reasonOf(error) });
      return undefined;
    }
    if (this.#deadLetter !== undefined) return this.#bury(message, error, attempt, permanent);
    this.#failing.set(message.id, attempt);
    this.#spent.add(message.id);
    logger.error(
      { ...this.#fields(message), attempt, permanent, delayMs: this.#policy.maxDelayMs, error },
      "handler failed and there is no dead letter: the message is kept and tried again",
    );
    message.nack({ delayMs: this.#policy.maxDelayMs, reason: reasonOf(error) });
    return undefined;
  }

  /** Bytes that no handler can see. */
  rawDeadLetter(): ((payload: Uint8Array, position: string, error: unknown) => Promise<void>) | undefined {
    const deadLetter = this.#deadLetter;
    if (deadLetter === undefined) return undefined;
    return async (payload, position, error) => {
      const metadata = { ...this.#letter(reasonOf(error)), position_poisoned: position };
      await deadLetter.publisher.publish(deadLetter.topic, new Message(payload, { metadata }));
    };
  }

  async #bury(message: ReceivedMessage, error: unknown, attempt: number, permanent: boolean): Promise<void> {
    const { publisher, topic } = this.#deadLetter as { readonly publisher: Publisher; readonly topic: string };
    const { logger } = this.#subject;
    const letter = message.copy({});
    for (const [key, value] of Object.entries(this.#letter(reasonOf(error)))) letter.metadata.set(key, value);
    letter.metadata.set(ATTEMPTS_POISONED, String(attempt));
    try {
      await publisher.publish(topic, letter);
    } catch (publishError) {
      this.#failing.set(message.id, attempt);
      logger.error(
        { ...this.#fields(message), deadLetter: topic, error: publishError, reason: reasonOf(error) },
        "the dead letter could not be published, the message is kept",
      );
      message.nack({ delayMs: this.#policy.maxDelayMs, reason: "dead letter not published" });
      return;
    }
    this.#forget(message.id);
    logger.error({ ...this.#fields(message), attempt, permanent, deadLetter: topic, error }, "handler failed for good, the message is in the dead letter");
    message.ack();
  }

  #letter(reason: string): Record<string, string> {
    const { handler, topic, adapter } = this.#subject;
    return { [REASON_POISONED]: reason, [TOPIC_POISONED]: topic, [HANDLER_POISONED]: handler, [SUBSCRIBER_POISONED]: adapter };
  }

  #fields(message: ReceivedMessage): Record<string, unknown> {
    const { handler, topic } = this.#subject;
    const { group, position } = message.delivery;
    return { handler, group, topic, id: message.id, position };
  }

  #forget(id: string): void {
    this.#failing.delete(id);
    this.#spent.delete(id);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The handler gave up because its delivery was lost or the drain was over: no fault of the message. */
function endedFromOutside(error: unknown): boolean {
  return MillraceError.is(error) && (error.code === "DELIVERY_LOST" || error.code === "DRAIN_DEADLINE");
}
