import type { Received } from "./received.ts";
import type { Intake, UndecodableRecord } from "./source.ts";

/** What an intake leads to: the subscription. */
export interface IntakeOwner {
  deliver(message: Received): void;
  lose(which: (message: Received) => boolean): void;
  recall(which: (message: Received) => boolean): readonly Received[];
  blocked(detail: string | undefined): void;
  undecodable(record: UndecodableRecord, again?: boolean): Promise<boolean>;
}

/** One session's way in. After `kill` nothing comes through but losses. */
export class LiveIntake implements Intake<unknown> {
  readonly #owner: IntakeOwner;
  readonly #onFail: (error: unknown) => void;
  #live = true;

  constructor(owner: IntakeOwner, onFail: (error: unknown) => void) {
    this.#owner = owner;
    this.#onFail = onFail;
  }

  deliver(message: Received): void {
    if (this.#live) this.#owner.deliver(message);
  }

  lose(which: (message: Received) => boolean = () => true): void {
    this.#owner.lose(which);
  }

  recall(which: (message: Received) => boolean): readonly Received[] {
    return this.#owner.recall(which);
  }

  fail(error: unknown): void {
    if (this.#live) this.#onFail(error);
  }

  blocked(detail: string | undefined): void {
    if (this.#live) this.#owner.blocked(detail);
  }

  undecodable(record: UndecodableRecord, again?: boolean): Promise<boolean> {
    return this.#owner.undecodable(record, again);
  }

  kill(): void {
    this.#live = false;
  }
}
