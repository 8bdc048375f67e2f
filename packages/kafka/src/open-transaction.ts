import { type Message, MillraceError, type ReceivedMessage } from "millrace";
import type { Sending } from "./sending.ts";

/** One transaction, while it is open. */
export interface KafkaTransaction {
  /**
   * Resolves when the broker has the messages; readers see them when the transaction has committed. When it rejects, the transaction does not
   * commit. Rejects with `TRANSACTION_OVER` when the work of the transaction has ended.
   */
  publish(topic: string, messages: Message | readonly Message[]): Promise<void>;
  /**
   * The message's group moves past it with the commit, or not at all. It must come from a `KafkaSubscriber` subscription with a group.
   *
   * @throws `TRANSACTION_OVER` when the work of the transaction has ended.
   */
  ack(message: ReceivedMessage): void;
}

/** Notes what is done in a transaction, for as long as its work goes on. */
export class OpenTransaction implements KafkaTransaction {
  readonly acked: ReceivedMessage[] = [];
  readonly published: Promise<void>[] = [];
  readonly #sending: Sending;
  #over = false;

  constructor(sending: Sending) {
    this.#sending = sending;
  }

  publish(topic: string, messages: Message | readonly Message[]): Promise<void> {
    if (this.#over) return Promise.reject(overError());
    const publishing = this.#sending.calls.publish(topic, messages);
    this.published.push(publishing);
    return publishing;
  }

  ack(message: ReceivedMessage): void {
    if (this.#over) throw overError();
    this.acked.push(message);
  }

  /** Its work has ended: what comes later would belong to another. */
  end(): void {
    this.#over = true;
  }
}

function overError(): MillraceError {
  return new MillraceError("the transaction is over: await everything that belongs to it before its work ends", { code: "TRANSACTION_OVER" });
}
