import { Copy } from "./copy.ts";
import type { Mutant, NamedTest } from "./mutant.ts";
import { type Outcome, TestRuns } from "./test-runs.ts";

export interface Hunt {
  /** The checkout, which stays as it is. */
  readonly root: string;
  readonly mutants: readonly Mutant[];
  readonly print: (line: string) => void;
}

/**
 * Applies each mutant to a copy of the checkout, one at a time, and runs the test that has to fail with it and to pass without it. True when
 * all are caught.
 */
export async function hunt({ root, mutants, print }: Hunt): Promise<boolean> {
  const counts = { caught: 0, survived: 0, broken: 0 };
  const copy = new Copy(root);
  const removeCopy = (): void => copy.remove();
  process.once("exit", removeCopy); // should it be ended before its time
  const runs = await TestRuns.open(copy.root);
  try {
    const sound = await soundTests(runs, copy, mutants);
    for (const mutant of mutants) {
      const began = Date.now();
      const outcome = await outcomeWith(mutant, runs, copy, sound.get(keyOf(mutant.caughtBy)));
      const what = `${mutant.promise} (${((Date.now() - began) / 1_000).toFixed(1)} s)`;
      if (outcome === "failed") {
        counts.caught++;
        print(`caught: ${what}`);
      } else if (outcome === "passed") {
        counts.survived++;
        print(`SURVIVED: ${what}: ${mutant.file}; not noticed by ${mutant.caughtBy.file}: ${mutant.caughtBy.title}`);
      } else {
        counts.broken++;
        print(`FAILED TO RUN: ${what}: ${outcome.broken}`);
      }
    }
  } finally {
    await runs.close();
    process.off("exit", removeCopy);
    removeCopy();
  }
  print(`${counts.caught} caught, ${counts.survived} survived, ${counts.broken} failed to run`);
  return counts.survived + counts.broken === 0;
}

/** The outcome of each named test in the copy as it is. */
async function soundTests(runs: TestRuns, copy: Copy, mutants: readonly Mutant[]): Promise<Map<string, Outcome>> {
  const tests = [...new Map(mutants.map(({ caughtBy }) => [keyOf(caughtBy), caughtBy])).values()];
  const outcomes = await runs.run(tests, (file) => copy.path(file));
  return new Map(tests.map((test, at) => [keyOf(test), outcomes[at] as Outcome]));
}

async function outcomeWith(mutant: Mutant, runs: TestRuns, copy: Copy, sound: Outcome | undefined): Promise<Outcome> {
  if (sound === "failed") return { broken: `its test fails without it: ${mutant.caughtBy.file}: ${mutant.caughtBy.title}` };
  if (sound !== "passed") return sound ?? { broken: "its test was not run" };
  let mend: () => void;
  try {
    mend = copy.breakBy(mutant);
  } catch (error) {
    return { broken: (error as Error).message };
  }
  try {
    runs.forget(copy.path(mutant.file));
    const [outcome] = await runs.run([mutant.caughtBy], (file) => copy.path(file));
    return outcome as Outcome;
  } finally {
    mend();
    runs.forget(copy.path(mutant.file));
  }
}

function keyOf({ file, title }: NamedTest): string {
  return `${file}: ${title}`;
}
