import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/workspace.ts";
import { AREAS } from "./areas.ts";
import { type Mutant, mutated, type NamedTest } from "./mutant.ts";

const mutants: readonly Mutant[] = Object.values(AREAS).flat();

describe("the mutants", () => {
  it("fit the sources: each text stands in its file once, and the test that is to notice in its own", () => {
    expect(mutants.flatMap(misfits)).toEqual([]);
  });

  it("break each promise of an area once", () => {
    const promises = Object.entries(AREAS).flatMap(([area, some]) => some.map(({ promise }) => `${area}: ${promise}`));
    expect(promises.filter((promise, at) => promises.indexOf(promise) !== at)).toEqual([]);
  });

  it("are at least 80", () => {
    expect(mutants.length).toBeGreaterThanOrEqual(80);
  });
});

function misfits(mutant: Mutant): string[] {
  const { promise, file, caughtBy } = mutant;
  if (!existsSync(join(ROOT, caughtBy.file))) return [`${promise}: there is no ${caughtBy.file}`];
  if (!mayHave(caughtBy)) return [`${promise}: ${caughtBy.file} has no test "${caughtBy.title}"`];
  try {
    mutated(readFileSync(join(ROOT, file), "utf8"), mutant);
    return [];
  } catch (error) {
    return [`${promise}: ${(error as Error).message}`];
  }
}

/** Whether one of the file's texts, filled in where it is a table's, is the title. Those of a suite stand in its scenarios. */
function mayHave({ file, title }: NamedTest): boolean {
  if (file.endsWith("conformance.test.ts")) return true;
  const texts = [...readFileSync(join(ROOT, file), "utf8").matchAll(/"((?:[^"\\\n]|\\.)+)"|`([^`]+)`/g)];
  return texts.some(([, plain, template]) => {
    const parts = (plain?.replaceAll('\\"', '"') ?? template ?? "").split(/%[a-z]|\$\w+|\$\{[^}]*\}/);
    const pattern = parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".*");
    return parts.join("").length > 8 && new RegExp(`^${pattern}$`).test(title);
  });
}
