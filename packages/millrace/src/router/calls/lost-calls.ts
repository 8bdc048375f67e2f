import { monotonicMs } from "../../internal/timers.ts";
import type { Call } from "./call.ts";

interface Success {
  readonly untilMs: number;
  /** The topic and key in whose order it was. */
  readonly order: string | undefined;
}

/** How long a success is remembered for a redelivery that has not come yet, or stands in line behind others. */
const REMEMBER_MS = 30_000;

/** Calls that go on although their delivery was lost, or nacked, and those of them that have succeeded. Of both a redelivery may come. */
export class LostCalls {
  readonly #running: Map<unknown, Call> = new Map();
  /** In order of time. */
  readonly #succeeded: Map<unknown, Success> = new Map();

  /** Somebody may be looked for: asked for every message. */
  any = false;

  add(token: unknown, call: Call): void {
    if (!this.#running.has(token)) this.#running.set(token, call);
    this.any = true;
  }

  /** The call has ended, well or not, or was abandoned. */
  end(token: unknown, call: Call, succeeded: boolean, order: string | undefined): void {
    if (this.#running.get(token) === call) this.#running.delete(token);
    // One that has no name is not recognised when the broker gives it again.
    if (succeeded && typeof token === "string") {
      this.#succeeded.delete(token);
      this.#succeeded.set(token, { untilMs: monotonicMs() + REMEMBER_MS, order });
    }
    this.#look();
  }

  /** The call of this message that still runs. */
  running(token: unknown): Call | undefined {
    return this.#running.get(token);
  }

  /** A call of this message has succeeded after its delivery was lost. */
  hasSucceeded(token: unknown): boolean {
    const now = monotonicMs();
    for (const [known, { untilMs }] of this.#succeeded) {
      if (untilMs > now) break;
      this.#succeeded.delete(known);
    }
    this.#look();
    return this.#succeeded.has(token);
  }

  /** A message of that order is handled: what comes behind it is handled again as well, or its effects would be overwritten by older ones. */
  forgetOrder(order: string | undefined): void {
    if (order === undefined) return;
    for (const [token, success] of this.#succeeded) if (success.order === order) this.#succeeded.delete(token);
    this.#look();
  }

  /** Its redelivery was acked: the next one would be another. */
  forget(token: unknown): void {
    this.#succeeded.delete(token);
    this.#look();
  }

  #look(): void {
    this.any = this.#running.size > 0 || this.#succeeded.size > 0;
  }
}
