import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/workspace.ts";
import type { Mutant } from "./mutant.ts";

/** A checkout of one file and its tests. */
let checkout: string;
let lines: readonly string[];
let status: number | null;

const SOUND = "export const sum = (a: number, b: number): number => a + b;\nexport const nothing = (): number => 0;\nexport const none = (): number => 0;\n";
const TESTS = `
import { expect, it } from "vitest";
import { none, nothing, sum } from "./sum.ts";
it("adds", () => expect(sum(1, 2)).toBe(3));
it("adds nothing", () => expect([nothing(), none()]).toHaveLength(2));
it("fails always", () => expect(1).toBe(2));
`;
const mutant = (change: Partial<Mutant>, title = "adds"): Mutant => ({
  promise: "a sum is a sum",
  file: "sum.ts",
  find: "a + b",
  put: "a - b",
  caughtBy: { file: "sum.test.ts", title },
  ...change,
});
const MUTANTS: readonly Mutant[] = [
  mutant({ promise: "one that is noticed" }),
  mutant({ promise: "one after it, in a file that is sound again", find: "none = (): number => 0", put: "none = (): number => 1" }),
  mutant({ promise: "one of another test" }, "adds nothing"),
  mutant({ promise: "one that does not load", put: "a +* b" }),
  mutant({ promise: "a text that is nowhere", find: "a * b" }),
  mutant({ promise: "a text found twice", find: "=> 0;" }),
  mutant({ promise: "a change of nothing", put: "a + b" }),
  mutant({ promise: "a test that is nowhere" }, "subtracts"),
  mutant({ promise: "a test that is red without it" }, "fails always"),
];

beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), "millrace-hunt-"));
  const write = (name: string, content: string): void => writeFileSync(join(checkout, name), content);
  symlinkSync(join(ROOT, "node_modules"), join(checkout, "node_modules"), "junction");
  write("package.json", JSON.stringify({ type: "module" }));
  write("vitest.config.ts", `export default { test: { include: ["*.test.ts"] } };`);
  write("sum.ts", SOUND);
  write("sum.test.ts", TESTS);
  const hunt = JSON.stringify(join(ROOT, "test/mutate/hunt.ts"));
  write(
    "hunt.ts",
    `import { hunt } from ${hunt};\nconst all = await hunt({ root: ${JSON.stringify(checkout)}, mutants: ${JSON.stringify(MUTANTS)}, print: console.log });\nprocess.exit(all ? 0 : 1);\n`,
  );
  // What the runner of this test tells its processes is not for the runner in that program.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|TEST$)/.test(name)));
  const ended = spawnSync(process.execPath, ["--conditions=millrace:source", join(checkout, "hunt.ts")], { env, encoding: "utf8" });
  status = ended.status;
  lines = `${ended.stdout}${ended.stderr}`.trim().split("\n");
});
afterAll(() => rmSync(checkout, { recursive: true, force: true }));

const told = (promise: string): string => lines.find((line) => line.includes(promise)) ?? lines.join("\n");

describe("a hunt for mutants", () => {
  it("calls a mutant caught when its test fails with it", () => {
    expect(told("one that is noticed")).toMatch(/^caught: one that is noticed/);
  });

  it("calls a mutant survived when its test passes with it", () => {
    expect(told("one of another test")).toMatch(/^SURVIVED: one of another test .*: sum\.ts; not noticed by sum\.test\.ts: adds nothing$/);
  });

  it("mends the copy before the next mutant, and never touches the checkout", () => {
    expect(told("one after it")).toMatch(/^SURVIVED: /);
    expect(readFileSync(join(checkout, "sum.ts"), "utf8")).toBe(SOUND);
  });

  it("takes no program that does not load for a catch", () => {
    expect(told("one that does not load")).toMatch(/^FAILED TO RUN: .*sum\.test\.ts does not load: /);
  });

  it("refuses a text that is not found, found twice, or replaced by itself", () => {
    expect(told("a text that is nowhere")).toMatch(/^FAILED TO RUN: .*stands nowhere in sum\.ts$/);
    expect(told("a text found twice")).toMatch(/^FAILED TO RUN: .*stands 2 times in sum\.ts$/);
    expect(told("a change of nothing")).toMatch(/^FAILED TO RUN: .*replaced by itself$/);
  });

  it("refuses a test that does not exist, or fails without the mutant", () => {
    expect(told("a test that is nowhere")).toMatch(/^FAILED TO RUN: .*sum\.test\.ts has no test "subtracts"$/);
    expect(told("a test that is red without it")).toMatch(/^FAILED TO RUN: .*its test fails without it: sum\.test\.ts: fails always$/);
  });

  it("ends with the counts", () => {
    expect({ last: lines.at(-1), status }).toEqual({ last: "1 caught, 2 survived, 6 failed to run", status: 1 });
  });
});
