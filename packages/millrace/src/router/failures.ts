import { backoffMs } from "../adapter/index.ts";
import { isPermanent } from "../errors/index.ts";
import { LATE, within } from "../internal/within.ts";
import type { Logger } from "../logger/index.ts";
import { ATTEMPTS_POISONED, HANDLER_POISONED, REASON_POISONED, SUBSCRIBER_POISONED, TOPIC_POISONED } from "../message/dead-letter-keys.ts";
import type { MessageDoors } from "../message/doors.ts";
import { Message, type Publisher, type ReceivedMessage } from "../message/index.ts";
import { isInterruption } from "../message/interruption.ts";
import { FAILURE_DEFAULTS, type FailurePolicy } from "./failure-policy.ts";
import type { LostRuns } from "./lost-runs.ts";
import type { StillRunning } from "./still-running.ts";

const LONGEST_REASON = 4096;

export interface FailureSubject {
  readonly handler: string;
  readonly topic: string;
  readonly adapter: string;
  readonly logger: Logger;
  /** Calls that outlived their delivery. */
  readonly lostRuns: LostRuns;
  /** Calls that a timeout gave up on; only where there is one. */
  readonly stillRunning: StillRunning | undefined;
  readonly abandonAfterMs: number;
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

  /** The message may be another's now. */
  onLost(message: ReceivedMessage): void {
    this.#forget(message.id);
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

  /**
   * What a handler gave back for this message is dropped: it will be handled again, and its output now would be a duplicate.
   * A call that outlived its delivery still counts, unless it was abandoned or the handler stopped meanwhile.
   */
  dropsOutput(message: ReceivedMessage): boolean {
    const { verdict } = message as MessageDoors;
    return verdict === "nacked" || (verdict === "lost" && !this.#subject.lostRuns.has(message.id));
  }

  /** Gives the verdict. Returns a promise only when there is something to wait for: a call that still runs, a dead letter. */
  onFailure(message: ReceivedMessage, error: unknown): Promise<void> | undefined {
    const running = this.#subject.stillRunning?.ended(message);
    return running === undefined ? this.#judge(message, error) : this.#whenEnded(message, error, running);
  }

  /** A timeout has failed the call, but its work goes on: the message is not handed out again beside it. */
  async #whenEnded(message: ReceivedMessage, error: unknown, running: Promise<unknown>): Promise<void> {
    const { logger, abandonAfterMs } = this.#subject;
    if ((await within(running, abandonAfterMs)) === LATE) {
      logger.error({ ...this.#fields(message), abandonAfterMs }, "the handler did not end after its timeout, its call is abandoned");
    }
    await this.#judge(message, error);
  }

  #judge(message: ReceivedMessage, error: unknown): Promise<void> | undefined {
    const { verdict, "millrace.redeliveryDelayMs": wishedMs } = message as MessageDoors;
    const { logger, lostRuns } = this.#subject;
    if (lostRuns.size > 0) lostRuns.end(message.id, false);
    if (verdict !== undefined) {
      logger.warn({ ...this.#fields(message), error, verdict }, "handler failed after the verdict was given");
      return undefined;
    }
    if (isInterruption(error, message)) {
      handBack(message);
      return undefined;
    }
    const { attempt } = message.delivery;
    const permanent = isPermanent(error);
    if (!permanent && attempt < this.#policy.attempts) {
      const delayMs = wishedMs ?? backoffMs(attempt, this.#policy.minDelayMs, this.#policy.maxDelayMs);
      this.#failing.set(message.id, attempt);
      logger.warn({ ...this.#fields(message), attempt, delayMs: Math.round(delayMs), error }, "handler failed, the message will be tried again");
      message.nack({ delayMs, reason: reasonOf(error) });
      return undefined;
    }
    if (this.#deadLetter !== undefined) return this.#bury(message, error, attempt, permanent);
    const delayMs = Math.max(wishedMs ?? 0, this.#policy.maxDelayMs);
    this.#failing.set(message.id, attempt);
    this.#spent.add(message.id);
    logger.error(
      { ...this.#fields(message), attempt, permanent, delayMs, error },
      "handler failed and there is no dead letter: the message is kept and tried again",
    );
    message.nack({ delayMs, reason: reasonOf(error) });
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

/** Bounded: brokers limit what headers may hold. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON)}…` : text;
}

function handBack(message: ReceivedMessage & MessageDoors): void {
  if (message["millrace.handBack"] === undefined) message.nack({ reason: "handed back" });
  else message["millrace.handBack"]();
}
