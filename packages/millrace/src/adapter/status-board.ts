import { asError } from "../internal/as-error.ts";
import { wallMs } from "../internal/timers.ts";
import type { HandlerState, SubscriptionStatus } from "../message/index.ts";
import { statusWithJson } from "../message/status-json.ts";
import type { SubscriptionCounts } from "../message/subscription-door.ts";

/** Keeps what `status()` tells: state and since when, what blocks, the last error, records stepped over. */
export class StatusBoard {
  #state: HandlerState = "starting";
  #since = wallMs();
  readonly #blocks: Map<string, string> = new Map();
  #lastError: Error | undefined;
  #undecodable = 0;
  #undecodableAt = "";
  #reconnected = 0;
  #listeners: readonly (() => void)[] = [];

  get counts(): SubscriptionCounts {
    return { undecodable: this.#undecodable, reconnected: this.#reconnected };
  }

  /** Told at once of every change; answers with how to stop. */
  listen(listener: () => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((known) => known !== listener);
    };
  }

  set(state: HandlerState): void {
    if (state === this.#state) return;
    if (this.#state === "reconnecting" && (state === "running" || state === "paused")) this.#reconnected++;
    const before = this.#shown;
    this.#state = state;
    this.#changed(before);
  }

  /** Something named `by` holds the subscription up; `undefined` when it is over. */
  block(by: string, detail: string | undefined): void {
    if (this.#blocks.get(by) === detail) return;
    const before = this.#shown;
    if (detail === undefined) this.#blocks.delete(by);
    else this.#blocks.set(by, detail);
    this.#changed(before);
  }

  error(error: unknown): void {
    this.#lastError = asError(error);
    this.#tell();
  }

  undecodable(position: string): void {
    this.#undecodable++;
    this.#undecodableAt = position;
    this.#tell();
  }

  read(inFlight: number, held: number, lag: number | undefined, oldestAt: Date | undefined): SubscriptionStatus {
    const state = this.#shown;
    const details = state === "blocked" ? [...this.#blocks.values()] : [];
    if (this.#undecodable > 0) details.push(`${this.#undecodable} undecodable, last at ${this.#undecodableAt}`);
    return statusWithJson({
      state,
      since: new Date(this.#since),
      inFlight,
      held,
      lag,
      oldestAt,
      detail: details.length === 0 ? undefined : details.join("; "),
      lastError: this.#lastError,
    });
  }

  get #shown(): HandlerState {
    return this.#state === "running" && this.#blocks.size > 0 ? "blocked" : this.#state;
  }

  /** Another cause of the same state is no other state. */
  #changed(before: HandlerState): void {
    if (this.#shown !== before) this.#since = wallMs();
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
