import { describe, expect, it } from "vitest";
import type { Rule } from "./ledger/violation.ts";
import type { Feature } from "./plan/features.ts";
import { generate } from "./plan/generate.ts";
import { PLACES, type Place, type Program } from "./plan/program.ts";
import { type RunOptions, runProgram } from "./run/run-program.ts";
import { doubling, dropping, hurrying, miscounting, reordering, swallowing, unordering } from "./tampering.fixture.ts";

/** Programs in which nothing fails but handlers, with messages enough for something to happen to the third. */
const FEATURES: readonly Feature[] = ["sleeps", "failures"];
const CALM: readonly Feature[] = ["sleeps"];
const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);

describe("the checker", () => {
  it.each([
    { what: "a message that is dropped", tamper: dropping, rules: ["lost", "stuck"], features: CALM },
    { what: "a message that is doubled", tamper: doubling, rules: ["repeated"], features: CALM },
    { what: "two messages that have changed places", tamper: reordering, rules: ["order"], features: CALM },
    { what: "a message that is acked and handed to nobody", tamper: swallowing, rules: ["lost", "stuck"], features: CALM },
    { what: "attempts that are miscounted", tamper: miscounting, rules: ["attempts"], features: CALM },
  ] as const)("notices $what, in every random program that has one", async ({ tamper, rules, features }) => {
    const programs = SEEDS.map((seed) => generate(seed, { features })).filter(has4Messages);
    expect(programs.length).toBeGreaterThan(12);
    for (const program of programs) {
      expect(await brokenRules(program)).not.toEqual(expect.arrayContaining([expect.stringMatching(new RegExp(rules.join("|")))]));
      expect(rules as readonly Rule[], JSON.stringify(program)).toContainEqual(first(await brokenRules(program, { tamper }), rules));
    }
  });

  it("notices a second attempt that comes too soon", async () => {
    const programs = SEEDS.map((seed) => generate(seed, { features: FEATURES }));
    expect(await count(programs, "early", {})).toBe(0);
    expect(await count(programs, "early", { tamper: hurrying })).toBeGreaterThan(12);
  });

  it.each(PLACES)("notices that two messages of one key are handled at once, on %s", async (on) => {
    expect(await brokenRules(twoOfAKey(on))).not.toContain("keyTwice");
    expect(await brokenRules(twoOfAKey(on), { tamper: unordering })).toContain("keyTwice");
  });
});

async function brokenRules(program: Program, options?: RunOptions): Promise<readonly Rule[]> {
  return (await runProgram(program, options)).violations.map(({ rule }) => rule);
}

async function count(programs: readonly Program[], rule: Rule, options: RunOptions): Promise<number> {
  let sum = 0;
  for (const program of programs) if ((await brokenRules(program, options)).includes(rule)) sum++;
  return sum;
}

function first(broken: readonly Rule[], wanted: readonly Rule[]): Rule | undefined {
  return broken.find((rule) => wanted.includes(rule));
}

function has4Messages({ steps }: Program): boolean {
  return steps.flatMap((step) => (step.do === "publish" ? step.messages : [])).length >= 4;
}

function twoOfAKey(on: Place): Program {
  const acts = [{ sleep: 10 }];
  return {
    on,
    handlers: [{ kind: "consumer", concurrency: 2 }],
    steps: [
      { do: "start" },
      {
        do: "publish",
        messages: [
          { text: "1", key: "a", acts },
          { text: "2", key: "a", acts },
        ],
      },
      { do: "pass", ms: 100 },
    ],
  };
}
