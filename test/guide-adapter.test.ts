import { expect, it, onTestFinished } from "vitest";
import { fences } from "./fences.ts";
import { Programs } from "./programs.ts";

const SUITE = `
import { applies, type ConformanceSetup, runScenario, SCENARIOS } from "millrace/conformance";

const setup: ConformanceSetup = { name: "shelf", capabilities, create: () => new ShelfPubSub(), singleInstance: true, limits: { backlog: 5_000 } };
console.error = () => {}; // what is warned of where a broker fails is no failure of the adapter
let passed = 0;
const run = async (scenario: (typeof SCENARIOS)[number]): Promise<void> => {
  if (applies(scenario, setup) !== true) return;
  await runScenario(scenario, setup, 4).then(() => passed++, (error: unknown) => console.log(scenario.name + ": " + String(error)));
};
await Promise.all(SCENARIOS.filter(({ alone }) => alone !== true).map(run));
for (const scenario of SCENARIOS) if (scenario.alone === true) await run(scenario);
if (passed < 60) console.log("only " + passed + " passed");
`;

it("the adapter that the guide shows keeps the contract", { timeout: 120_000 }, () => {
  const [fence] = fences("docs/guide/adapters.md");
  const [adapter, use] = (fence?.code ?? "").split("\nconst bus = new ShelfPubSub();");
  expect(use).toBeDefined();
  const program = { place: "the suite on the guide's adapter", code: `${adapter}\n${SUITE}` };
  const programs = new Programs([program]);
  onTestFinished(() => programs.remove());
  expect(programs.complaints()).toEqual([]);
  expect(programs.run(program, 100_000)).toBe("");
});
