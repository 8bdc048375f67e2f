import { PublishError, type PublishOutcome } from "millrace";
import type { WireProperties } from "./codec.ts";
import type { Hold } from "./delay/delay-exit.ts";

/** One message on its way. */
export interface Outgoing {
  readonly job: PublishJob;
  readonly index: number;
  /** As it will be read from the wire; undefined for what cannot be read. */
  readonly id: string | undefined;
  /** Set anew when it is sent, while it is to be held back. */
  exchange: string;
  routingKey: string;
  readonly content: Buffer;
  readonly properties: WireProperties;
  /** It is not due yet. */
  readonly hold: Hold | undefined;
  /** The broker has given it back: no queue takes it. Its confirmation follows. */
  returned: string | undefined;
  settled: boolean;
}

export interface Failure {
  readonly code: string;
  readonly text: string;
  readonly retryable: boolean;
  readonly cause: unknown;
}

/** One call of `publish`: its messages, and what became of each. Ends once, when everything that was sent is settled. */
export class PublishJob {
  readonly exchange: string;
  readonly messages: Outgoing[] = [];
  readonly deadline: number;
  bytes = 0;
  /** The next one to send. */
  next = 0;
  readonly #outcomes: PublishOutcome[] = [];
  #confirmed = 0;
  #underWay = 0;
  #failure: Failure | undefined;
  #done = false;
  readonly #end: (job: PublishJob, error: PublishError | undefined) => void;

  constructor(exchange: string, deadline: number, end: (job: PublishJob, error: PublishError | undefined) => void) {
    this.exchange = exchange;
    this.deadline = deadline;
    this.#end = end;
  }

  add(id: string | undefined, routingKey: string, content: Buffer, properties: WireProperties, hold?: Hold): void {
    const { exchange, messages } = this;
    messages.push({ job: this, index: messages.length, id, exchange, routingKey, content, properties, hold, returned: undefined, settled: false });
    this.bytes += content.length;
  }

  /** Something is left to be sent, and nothing has failed. */
  get sends(): boolean {
    return this.next < this.messages.length && this.#failure === undefined && !this.#done;
  }

  get done(): boolean {
    return this.#done;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** The next message. */
  get coming(): Outgoing | undefined {
    return this.messages[this.next];
  }

  /** The next message, which is sent from here on. */
  take(): Outgoing {
    this.#underWay++;
    return this.messages[this.next++] as Outgoing;
  }

  confirm(message: Outgoing): void {
    if (this.#settle(message, "confirmed")) this.#confirmed++;
    this.#finishIfSettled();
  }

  /** A message that was sent has failed; nothing later of the call is sent any more. */
  fail(message: Outgoing, outcome: "rejected" | "unknown", failure: Failure): void {
    this.#settle(message, outcome);
    this.#failure ??= failure;
    this.#finishIfSettled();
  }

  /** Ends the call now: what was sent and not confirmed is unknown, what was not sent is rejected. */
  giveUp(failure: Failure): void {
    this.#failure ??= failure;
    for (let index = 0; index < this.next; index++) {
      const message = this.messages[index] as Outgoing;
      if (!message.settled) this.#settle(message, "unknown");
    }
    this.#finishIfSettled();
  }

  #settle(message: Outgoing, outcome: PublishOutcome): boolean {
    if (message.settled) return false;
    message.settled = true;
    this.#underWay--;
    if (outcome !== "confirmed") this.#outcomes[message.index] = outcome;
    return true;
  }

  #finishIfSettled(): void {
    if (this.#done || this.#underWay > 0) return;
    const failure = this.#failure;
    if (failure === undefined ? this.#confirmed < this.messages.length : false) return;
    this.#done = true;
    this.#end(this, failure === undefined ? undefined : this.#error(failure));
  }

  #error({ text, code, retryable, cause }: Failure): PublishError {
    const outcomes = this.messages.map(
      ({ settled }, index): PublishOutcome => this.#outcomes[index] ?? (settled && index < this.next ? "confirmed" : "rejected"),
    );
    return new PublishError(text, { code, retryable, cause, outcomes });
  }
}
