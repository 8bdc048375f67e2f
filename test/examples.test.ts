import { afterAll, describe, expect, it } from "vitest";
import { fences } from "./fences.ts";
import { Programs } from "./programs.ts";
import { repositoryFiles } from "./sources.ts";

const examples = repositoryFiles()
  .filter((path) => path.endsWith(".md"))
  .flatMap(fences);
const programs = new Programs(examples);
afterAll(() => programs.remove());

describe("the ts examples in the documentation", () => {
  it("check, each as a program of its own", () => {
    expect(programs.complaints()).toEqual([]);
  });

  it.each(examples.filter(({ output }) => output !== undefined))("print what stands below them: $place", (example) => {
    expect(programs.run(example)).toBe(example.output);
  });
});
