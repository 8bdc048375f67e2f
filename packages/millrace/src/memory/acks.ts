import { type Deferred, quietDeferred } from "../internal/deferred.ts";

/** Counts, for one publish, the acks of every group that its messages were put before. */
export class Acks {
  readonly done: Deferred<void> = quietDeferred();
  /** For `Stored`: called at each ack. */
  readonly onAck: () => void = () => this.#take();
  #left: number;

  constructor(messages: number) {
    this.#left = messages; // one for each that is not put anywhere yet
  }

  /** One message was put before so many groups. */
  put(groups: number): void {
    this.#left += groups;
    this.#take();
  }

  #take(): void {
    this.#left--;
    if (this.#left === 0) this.done.resolve();
  }
}
