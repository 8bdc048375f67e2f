import type { PublishOutcome } from "../errors/index.ts";
import { handedBack } from "../message/handed-back.ts";
import { inHandOf } from "../message/in-hand.ts";
import type { Batch, Message, Publisher, ReceivedMessage } from "../message/index.ts";
import type { Addressed } from "./addressed.ts";
import { asOneOfMany, asTheLast, isHopeless, isOfTheTarget, outcomesOf } from "./publish-fault.ts";
import type { Troubles } from "./troubles.ts";

export interface PassageParts {
  readonly publisher: Publisher;
  /** What to publish, and where; `undefined` leaves the message out, a throw fails it. */
  readonly open: (message: ReceivedMessage) => Addressed | undefined;
  readonly keyOf: (message: ReceivedMessage) => string | undefined;
  readonly troubles: Troubles;
}

interface Parcel {
  readonly topic: string;
  readonly message: Message;
  readonly received: ReceivedMessage;
  readonly key: string | undefined;
}

/** One batch on its way through a relay: strictly in order, so that whatever fails is known before anything behind it is sent. */
export class Passage {
  readonly #parts: PassageParts;
  readonly #batch: Batch;
  /** Keys of which a message failed: those behind it are not sent. */
  readonly #stopped: Set<string> = new Set();
  /** Keys of which a message has failed before: it and those behind it go one by one, so that only the one at fault fails again. */
  readonly #careful: Set<string> = new Set();
  /** In a row for one topic, not sent yet. */
  #run: Parcel[] = [];

  constructor(parts: PassageParts, batch: Batch) {
    this.#parts = parts;
    this.#batch = batch;
  }

  async take(messages: readonly ReceivedMessage[]): Promise<void> {
    const { keyOf, open } = this.#parts;
    for (const received of messages) {
      const key = keyOf(received);
      if (!this.#mayGo(received, key)) continue;
      let addressed: Addressed | undefined;
      try {
        addressed = open(received);
      } catch (error) {
        await this.#sendRun();
        if (this.#mayGo(received, key)) this.#refused(received, key, error);
        continue;
      }
      if (addressed === undefined) continue;
      const alone = this.#goesAlone(received, key);
      if (alone || this.#run[0]?.topic !== addressed.topic) await this.#sendRun();
      this.#run.push({ ...addressed, received, key });
      if (alone) await this.#sendRun();
    }
    await this.#sendRun();
  }

  /** False for what is behind a failed one of its key, or was taken from us: it goes back, uncounted. */
  #mayGo(received: ReceivedMessage, key: string | undefined): boolean {
    if (key !== undefined && this.#stopped.has(key)) {
      this.#batch.fail(received, handedBack("an earlier message of its key was not relayed"));
      return false;
    }
    const verdict = inHandOf(received)?.verdict;
    if (verdict === undefined || verdict === "acked") return true;
    this.#fail(received, key, handedBack("the message was taken back before it was relayed"));
    return false;
  }

  #goesAlone(received: ReceivedMessage, key: string | undefined): boolean {
    const failedBefore = received.delivery.attempt > 1;
    if (key === undefined) return failedBefore;
    if (failedBefore) this.#careful.add(key);
    return this.#careful.size > 0 && this.#careful.has(key);
  }

  async #sendRun(): Promise<void> {
    if (this.#run.length === 0) return;
    const run = this.#run.filter(({ received, key }) => this.#mayGo(received, key));
    this.#run = [];
    if (run.length === 1) await this.#sendAlone(run[0] as Parcel);
    else if (run.length > 1) await this.#sendTogether(run);
  }

  async #sendTogether(run: readonly Parcel[]): Promise<void> {
    const [{ topic }] = run as readonly [Parcel];
    try {
      await this.#parts.publisher.publish(
        topic,
        run.map(({ message }) => message),
      );
    } catch (error) {
      return await this.#sort(run, error, outcomesOf(error));
    }
    for (const parcel of run) this.#passed(parcel);
  }

  /** A run came back: what was confirmed is done, what may be there fails, and what surely is not there goes one by one. */
  async #sort(run: readonly Parcel[], error: unknown, outcomes: readonly PublishOutcome[] | undefined): Promise<void> {
    let outage = isOfTheTarget(error) ? error : undefined;
    for (const [index, parcel] of run.entries()) {
      const outcome = outcomes?.[index] ?? "unknown";
      if (outcome === "confirmed") this.#passed(parcel);
      else if (!this.#mayGo(parcel.received, parcel.key)) continue;
      else if (outcome === "rejected" && outage === undefined) outage = await this.#sendAlone(parcel);
      else this.#troubled(parcel.received, parcel.key, outage ?? error);
    }
  }

  /** Answers with the error when it is of the target as a whole: then nothing more need be tried now. */
  async #sendAlone(parcel: Parcel): Promise<unknown> {
    const { received, key, topic, message } = parcel;
    try {
      await this.#parts.publisher.publish(topic, message);
    } catch (error) {
      // Where the publisher says that it does not know, it was asked in vain; one that says nothing at all has only its error to tell.
      const outage = isOfTheTarget(error) || outcomesOf(error)?.[0] === "unknown";
      if (outage) this.#troubled(received, key, error);
      else this.#refused(received, key, error);
      return outage ? error : undefined;
    }
    this.#passed(parcel);
    return undefined;
  }

  #passed({ received, key }: Parcel): void {
    this.#parts.troubles.passed(received, key);
  }

  /** It did not get through, and perhaps it had no part in that: it is tried again, for ever. */
  #troubled(received: ReceivedMessage, key: string | undefined, error: unknown): void {
    this.#parts.troubles.failed(received, key, { error, refused: false, hopeless: isOfTheTarget(error) && isHopeless(error) });
    this.#fail(received, key, asOneOfMany(error));
  }

  /** It failed by itself. */
  #refused(received: ReceivedMessage, key: string | undefined, error: unknown): void {
    const spent = this.#parts.troubles.failed(received, key, { error, refused: true, hopeless: isHopeless(error) });
    this.#fail(received, key, spent ? asTheLast(error) : error);
  }

  #fail(received: ReceivedMessage, key: string | undefined, error: unknown): void {
    if (key !== undefined) this.#stopped.add(key);
    this.#batch.fail(received, error);
  }
}
