import { type Deferred, deferred } from "../internal/deferred.ts";
import { startTimer } from "../internal/timers.ts";

/** How long a success is remembered for a redelivery that has not come yet, or stands in line behind others. */
const REMEMBER_MS = 30_000;

/** Handler calls that go on although their delivery was lost. A redelivery of the same message waits for that call. */
export class LostRuns {
  readonly #runs: Map<string, Deferred<boolean>> = new Map();
  readonly #succeeded: Set<string> = new Set();

  get size(): number {
    return this.#runs.size + this.#succeeded.size;
  }

  /** The call still runs, and still counts. */
  has(id: string): boolean {
    return this.#runs.has(id);
  }

  begin(id: string): void {
    if (!this.#runs.has(id)) this.#runs.set(id, deferred());
  }

  /** The call has ended, well or not, or was abandoned. */
  end(id: string, succeeded: boolean): void {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    this.#runs.delete(id);
    if (succeeded) {
      this.#succeeded.add(id);
      startTimer(() => this.#succeeded.delete(id), REMEMBER_MS, true);
    }
    run.resolve(succeeded);
  }

  /** Resolves to true when the earlier call succeeded: then the redelivery is acked without another. */
  async outcome(id: string): Promise<boolean> {
    await this.#runs.get(id)?.promise;
    return this.#succeeded.delete(id);
  }
}
