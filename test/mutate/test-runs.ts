import { createVitest, type TestCase, type TestModule, type TestSpecification, type Vitest } from "vitest/node";
import type { NamedTest } from "./mutant.ts";

/** What became of a named test; `broken` is one that was not run, and why. */
export type Outcome = "passed" | "failed" | { readonly broken: string };

const PATIENCE_MS = 180_000;

/**
 * Runs named tests of a folder, again and again in one Vitest: each file in a process of its own every time, on brokers that are started once,
 * for the first run. Name all the tests in that one.
 */
export class TestRuns {
  readonly #vitest: Vitest;

  private constructor(vitest: Vitest) {
    this.#vitest = vitest;
  }

  static async open(root: string): Promise<TestRuns> {
    process.chdir(root);
    const silent = { onInit() {} };
    const vitest = await createVitest("test", { root, watch: false, reporters: [silent], fileParallelism: false, silent: true });
    await vitest.standalone();
    return new TestRuns(vitest);
  }

  /** The outcomes of the tests, in their order. */
  async run(tests: readonly NamedTest[], pathOf: (file: string) => string): Promise<readonly Outcome[]> {
    const files = new Map([...Map.groupBy(tests, ({ file }) => file)].map(([file, named]) => [file, this.#specification(pathOf(file), named)]));
    const wanted = [...files.values()].filter((specification) => specification !== undefined);
    const impatience = setTimeout(() => void this.#cancel(), PATIENCE_MS * wanted.length);
    try {
      if (wanted.length > 0) await this.#vitest.runTestSpecifications(wanted);
    } finally {
      clearTimeout(impatience);
    }
    return tests.map((test) => outcomeOf(test, files.get(test.file)?.testModule));
  }

  /** Has a file read again: it was changed. */
  forget(path: string): void {
    this.#vitest.invalidateFile(path);
  }

  async close(): Promise<void> {
    await this.#vitest.close();
  }

  /** A file that several projects run is run by the first of them. */
  #specification(path: string, tests: readonly NamedTest[]): TestSpecification | undefined {
    const [first] = this.#vitest.getModuleSpecifications(path);
    const titles = tests.map(({ title }) => title.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
    return first?.project.createSpecification(path, { testNamePattern: new RegExp(`(?:^| )(?:${titles.join("|")})$`) });
  }

  /** The first call waits for the tests that are running, the second ends them: one that hangs in a loop hears nothing. */
  async #cancel(): Promise<void> {
    void this.#vitest.cancelCurrentRun("test-failure");
    await this.#vitest.cancelCurrentRun("test-failure");
  }
}

/** A title that stands for several tests, of a table for one, has failed when one of them has. */
function outcomeOf({ file, title }: NamedTest, module: TestModule | undefined): Outcome {
  if (module === undefined) return { broken: `no test of ${file} was run` };
  const found = [...module.children.allTests()].filter((test) => test.name === title);
  if (found.length > 0) return found.map(stateOf).reduce((one, other) => (one === "passed" ? other : one));
  const [failure] = module.errors();
  return { broken: failure === undefined ? `${file} has no test "${title}"` : `${file} does not load: ${firstLine(failure.message)}` };
}

function stateOf(test: TestCase): Outcome {
  const result = test.result();
  if (result.state === "skipped") return { broken: `not run: ${result.note ?? "no reason given"}` };
  if (result.state === "pending") return { broken: "it did not end in time" };
  return result.state;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
