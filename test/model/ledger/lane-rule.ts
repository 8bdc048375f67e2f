import type { HandlerPlan, Program } from "../plan/program.ts";
import type { Publication } from "./records.ts";

/** In which lane a message is; none where no order is promised. */
export function laneRule(plan: HandlerPlan, program: Program): (publication: Publication) => string | undefined {
  // Across members there is only what the broker's `ordering` says, and none of these says "per-key".
  if (program.members === 2) return () => undefined;
  const byKey = (publication: Publication): string | undefined => (plan.unordered ? undefined : publication.key);
  // A broker that takes one key away lets the others of the subscription go on.
  if (program.steps.some((step) => step.do === "lose" && step.key !== undefined)) return byKey;
  const { kind, concurrency = 1, pipeline = 0, size = 1 } = plan;
  const inFlight = kind === "batch" ? concurrency * size : kind === "producing" ? concurrency + pipeline : concurrency;
  return inFlight === 1 ? () => "" : byKey;
}
