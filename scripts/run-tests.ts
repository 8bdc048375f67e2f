import { parseCLI, startVitest, type TestCase, type Vitest } from "vitest/node";
import { missingBrokers } from "../test/brokers/missing-brokers.ts";
import { type NotRun, notRunLines } from "./not-run.ts";

/** Runs the tests and ends the process, with what was not run, what failed, and a line of counts as the last line printed. */
export async function runTests(args: readonly string[]): Promise<never> {
  const { filter, options } = parseCLI(["vitest", "run", ...args], { allowUnknownOptions: false });
  const vitest = await startVitest("test", filter, { ...options, watch: false });
  const counts = count(vitest);
  await vitest.close();
  for (const line of notRunLines(counts.notRun)) console.log(line);
  for (const line of missingBrokers()) console.log(line);
  for (const line of counts.failed) console.log(`failed: ${line}`);
  console.log(`${counts.passed} passed, ${counts.failed.length} failed, ${counts.notRun.length} skipped`);
  process.exit(counts.failed.length === 0 && counts.passed > 0 ? 0 : 1);
}

interface Counts {
  readonly passed: number;
  /** What failed, and in a line why. */
  readonly failed: readonly string[];
  readonly notRun: readonly NotRun[];
}

function count(vitest: Vitest): Counts {
  const modules = vitest.state.getTestModules();
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const wanted = tests.filter((test) => !leftOutByName(test, vitest));
  const inState = (state: string): TestCase[] => wanted.filter((test) => test.result().state === state);
  // A file that does not load, a hook that throws and an error outside of any test are failures too.
  const broken = [...modules, ...modules.flatMap((module) => [...module.children.allSuites()])].filter((part) => part.errors().length > 0);
  const failed = [...inState("failed"), ...inState("pending")].map((test) => `${test.module.relativeModuleId} > ${test.fullName}${why(test.result().errors)}`);
  return {
    passed: inState("passed").length,
    failed: [
      ...failed,
      ...broken.map((part) => `${part.type === "module" ? part.relativeModuleId : `${part.module.relativeModuleId} > ${part.fullName}`}${why(part.errors())}`),
      ...vitest.state.getUnhandledErrors().map((error) => `outside of the tests${why([error as { message?: string }])}`),
    ],
    notRun: inState("skipped").map(notRun),
  };
}

/** The first line of the first error. */
function why(errors: readonly { readonly message?: string }[] | undefined): string {
  const text = errors?.[0]?.message?.split("\n").find((line) => line.trim() !== "");
  return text === undefined ? "" : `: ${text.trim().slice(0, 300)}`;
}

/** `-t` leaves tests out; nobody has to be told about those. */
function leftOutByName(test: TestCase, vitest: Vitest): boolean {
  const pattern = vitest.getGlobalTestNamePattern();
  return pattern !== undefined && !pattern.test(test.fullName.replaceAll(" > ", " "));
}

function notRun(test: TestCase): NotRun {
  const result = test.result();
  return { file: test.module.relativeModuleId, fullName: test.fullName, reason: result.state === "skipped" ? result.note : undefined };
}
