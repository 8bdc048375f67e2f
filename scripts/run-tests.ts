import { parseCLI, startVitest, type TestCase, type Vitest } from "vitest/node";
import { missingBrokers } from "../test/brokers/missing-brokers.ts";

/** Runs the tests and ends the process, with what was not run, and a line of counts as the last line printed. */
export async function runTests(args: readonly string[]): Promise<never> {
  const { filter, options } = parseCLI(["vitest", "run", ...args], { allowUnknownOptions: false });
  const vitest = await startVitest("test", filter, { ...options, watch: false });
  const counts = count(vitest);
  await vitest.close();
  for (const line of counts.notRun) console.log(`not run: ${line}`);
  for (const line of missingBrokers()) console.log(line);
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.notRun.length} skipped`);
  process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly notRun: readonly string[];
}

function count(vitest: Vitest): Counts {
  const modules = vitest.state.getTestModules();
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const wanted = tests.filter((test) => !leftOutByName(test, vitest));
  const inState = (state: string): TestCase[] => wanted.filter((test) => test.result().state === state);
  // A file that does not load, a hook that throws and an error outside of any test are failures too.
  const brokenModules = modules.filter((module) => module.errors().length > 0).length;
  const brokenSuites = modules.flatMap((module) => [...module.children.allSuites()]).filter((suite) => suite.errors().length > 0).length;
  const unfinished = inState("pending").length;
  return {
    passed: inState("passed").length,
    failed: inState("failed").length + unfinished + brokenModules + brokenSuites + vitest.state.getUnhandledErrors().length,
    notRun: inState("skipped").map(reason),
  };
}

/** `-t` leaves tests out; nobody has to be told about those. */
function leftOutByName(test: TestCase, vitest: Vitest): boolean {
  const pattern = vitest.getGlobalTestNamePattern();
  return pattern !== undefined && !pattern.test(test.fullName.replaceAll(" > ", " "));
}

function reason(test: TestCase): string {
  const result = test.result();
  return result.state === "skipped" && result.note !== undefined ? `${test.fullName}: ${result.note}` : test.fullName;
}
