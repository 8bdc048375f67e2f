import { expect, it } from "vitest";
import { PLACES } from "./plan/program.ts";
import { examine } from "./search/examine.ts";
import { examineSeeds } from "./search/examine-seeds.ts";
import { tellFinding } from "./search/tell-finding.ts";

const PROGRAMS = 125;
/** More failures than these need not be made small to see that something is wrong. */
const SMALL = 3;

it.each(PLACES)(`keeps the contract in ${PROGRAMS} random programs on %s`, { timeout: 120_000 }, async (place) => {
  const failures: string[] = [];
  const first = 1 + PLACES.indexOf(place) * PROGRAMS;
  for (let seed = first; seed < first + PROGRAMS && failures.length < SMALL; seed++) {
    const finding = await examine(seed, { places: [place] });
    if (finding !== undefined) failures.push(tellFinding(finding, false));
  }
  expect(failures.join("\n")).toBe("");
});

it("tells of each failing seed with a program to paste, and how many there were", async () => {
  const lines: string[] = [];
  const tamper = (): never => {
    throw new Error("nothing works");
  };
  expect(await examineSeeds({ count: 2, first: 7, places: ["memory"], features: [], log: false, tamper, print: (line) => lines.push(line) })).toBe(2);
  expect(lines[0]).toMatch(/^seed 7: invalid: Error: nothing works/);
  expect(lines[0]).toContain('import { play } from "./test/model/search/play.ts";\nawait play({\n  on: "memory",');
  expect(lines.slice(2)).toEqual(["invalid: 2 (7, 8)", "model: 2 programs, 2 failures"]);
});
