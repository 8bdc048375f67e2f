import { monotonicMs } from "../../internal/timers.ts";
import type { Call } from "./call.ts";

/** How long a success is remembered for a redelivery that has not come yet, or stands in line behind others. */
const REMEMBER_MS = 30_000;

/** Calls that go on although their delivery was lost, and those of them that have succeeded. Of both a redelivery may come. */
export class LostCalls {
  readonly #running: Map<string, Call> = new Map();
  /** Until when a success is remembered. In order of time. */
  readonly #succeeded: Map<string, number> = new Map();

  /** Nobody need be looked for. */
  get empty(): boolean {
    return this.#running.size === 0 && this.#succeeded.size === 0;
  }

  add(identity: string, call: Call): void {
    if (!this.#running.has(identity)) this.#running.set(identity, call);
  }

  /** The call has ended, well or not, or was abandoned. */
  end(identity: string, call: Call, succeeded: boolean): void {
    if (this.#running.get(identity) === call) this.#running.delete(identity);
    if (!succeeded) return;
    this.#succeeded.delete(identity);
    this.#succeeded.set(identity, monotonicMs() + REMEMBER_MS);
  }

  /** The call of this message that still runs. */
  running(identity: string): Call | undefined {
    return this.#running.get(identity);
  }

  /** A call of this message has succeeded after its delivery was lost. */
  hasSucceeded(identity: string): boolean {
    const now = monotonicMs();
    for (const [known, untilMs] of this.#succeeded) {
      if (untilMs > now) break;
      this.#succeeded.delete(known);
    }
    return this.#succeeded.has(identity);
  }

  /** Its redelivery was acked: the next one would be another. */
  forget(identity: string): void {
    this.#succeeded.delete(identity);
  }
}
