import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The suites of the adapters, and what starts, kills or soaks brokers. */
const LONG = /(conformance|-on-brokers|brokers\/(command|own-broker))\.test\.ts$/;

/** Vitest begins with the largest files, as long as it does not know how long each takes. These are short and take long: begun last, they would be waited for alone. */
export class LongOnesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => (LONG.test(moduleId) ? 0 : 1);
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
