import type { HandlerState } from "../message/index.ts";
import type { HandlerEntry } from "./handler-entry.ts";
import type { Observers } from "./observers.ts";

/** Tells those who observe when a handler's state, or the cause of it, is another. */
export class StateTeller {
  readonly #entry: HandlerEntry;
  readonly #observers: Observers;
  #state: HandlerState | undefined;
  #detail: string | undefined;

  constructor(entry: HandlerEntry, observers: Observers) {
    this.#entry = entry;
    this.#observers = observers;
  }

  tell(): void {
    if (!this.#observers.any) return;
    const status = this.#entry.health();
    if (status.state === this.#state && status.detail === this.#detail) return;
    this.#state = status.state;
    this.#detail = status.detail;
    this.#observers.state({ by: this.#entry.identity, status });
  }
}
