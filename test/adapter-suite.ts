import { type ConformanceSetup, conformance, stress } from "millrace/conformance";
import { describe, it } from "vitest";

const runner = {
  describe,
  it,
  notRun: (title: string, reason: string): void => it(title, (context) => context.skip(reason)),
};

/** The conformance suite of an adapter: once, three times under `npm test`, and each scenario 20 times at once under `npm run stress`. */
export function adapterSuite(setup: ConformanceSetup): void {
  const { MILLRACE_RUNS = "1", MILLRACE_STRESS } = process.env;
  if (MILLRACE_STRESS !== undefined) stress(Number(MILLRACE_STRESS))(runner, setup);
  else if (MILLRACE_RUNS === "1") conformance(runner, setup);
  else for (let run = 1; run <= Number(MILLRACE_RUNS); run++) describe(`run ${run} of ${MILLRACE_RUNS}`, () => conformance(runner, setup));
}
