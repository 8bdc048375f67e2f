import { type ConformanceSetup, conformance, stress } from "millrace/conformance";
import { describe, it } from "vitest";

const runner = {
  describe,
  it,
  notRun: (title: string, reason: string): void => it(title, (context) => context.skip(reason)),
};

/**
 * The conformance suite of an adapter: once, three times under `npm test`, and each scenario 20 times at once under `npm run stress`.
 * `mostRuns`: for an adapter whose one run takes minutes, because a server is killed and started on the way.
 */
export function adapterSuite(setup: ConformanceSetup, { mostRuns = Number.POSITIVE_INFINITY }: { readonly mostRuns?: number } = {}): void {
  const { MILLRACE_RUNS = "1", MILLRACE_STRESS } = process.env;
  const runs = Math.min(Number(MILLRACE_RUNS), mostRuns);
  if (MILLRACE_STRESS !== undefined) stress(Number(MILLRACE_STRESS))(runner, setup);
  else if (runs === 1) conformance(runner, setup);
  else for (let run = 1; run <= runs; run++) describe(`run ${run} of ${runs}`, () => conformance(runner, setup));
}
