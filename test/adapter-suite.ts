import { type ConformanceSetup, conformance, stress } from "millrace/conformance";
import { describe, it } from "vitest";

const runner = {
  describe,
  it,
  notRun: (title: string, reason: string): void => it(title, (context) => context.skip(reason)),
};

/** The conformance suite of an adapter: once, and each scenario 20 times at once under `npm run stress`. */
export function adapterSuite(setup: ConformanceSetup): void {
  const { MILLRACE_STRESS } = process.env;
  if (MILLRACE_STRESS === undefined) conformance(runner, setup);
  else stress(Number(MILLRACE_STRESS))(runner, setup);
}
