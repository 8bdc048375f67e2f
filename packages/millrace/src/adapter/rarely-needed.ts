import type { Deferred } from "../internal/deferred.ts";
import type { Verdict } from "../message/index.ts";

/** What hardly a delivery needs, in an object of its own: every message pays for each of its fields. */
export class RarelyNeeded {
  /** Why its handling ended, if not by a verdict. */
  reason: unknown = undefined;
  controller: AbortController | undefined = undefined;
  settled: Deferred<Verdict> | undefined = undefined;
  redeliveryDelayMs: number | undefined = undefined;
  failed: boolean | undefined = undefined;
}
