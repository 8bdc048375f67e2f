import { type Deferred, deferred } from "../internal/deferred.ts";

/** Handler calls that go on although their delivery was lost. A redelivery of the same message waits for that call. */
export class LostRuns {
  readonly #runs: Map<string, Deferred<boolean>> = new Map();

  get size(): number {
    return this.#runs.size;
  }

  begin(id: string): void {
    if (!this.#runs.has(id)) this.#runs.set(id, deferred());
  }

  /** The call has ended, well or not, or was abandoned. */
  end(id: string, succeeded: boolean): void {
    this.#runs.get(id)?.resolve(succeeded);
    this.#runs.delete(id);
  }

  /** Resolves to true when the earlier call succeeded: then the redelivery is acked without another. */
  outcome(id: string): Promise<boolean> | undefined {
    return this.#runs.get(id)?.promise;
  }
}
