import { describe, expect, it } from "vitest";
import { generate } from "../plan/generate.ts";
import type { Program } from "../plan/program.ts";
import { printProgram } from "./print-program.ts";
import { shrink } from "./shrink.ts";

/** A program with everything in it that the dice can give. */
const LARGE: Program = generate(3, { features: ["concurrency", "keys", "failures", "sleeps", "retry", "timeout", "deduplicator", "pauses", "stops", "ids"] });

describe("shrink", () => {
  it("leaves nothing but what the failure needs", async () => {
    const retries = (program: Program): boolean => program.handlers.some((plan) => plan.middleware?.some(({ use }) => use === "retry"));
    const publishes = (program: Program): boolean => program.steps.some((step) => step.do === "publish");
    const { program } = await shrink(LARGE, async (candidate) => retries(candidate) && publishes(candidate));
    expect(program).toMatchObject({ handlers: [{ middleware: [{ use: "retry" }] }], steps: [{ do: "publish", messages: [{}] }] });
    expect(printProgram(program).split("\n").length).toBeLessThan(8);
  });

  it("keeps the program when nothing smaller fails, and tries no more than it is told", async () => {
    let asked = 0;
    const { tried } = await shrink(
      LARGE,
      async () => {
        asked++;
        return false;
      },
      25,
    );
    expect([asked, tried]).toEqual([25, 26]);
  });

  it("makes numbers round and small", async () => {
    const sleepsLong = (program: Program): boolean => program.steps.some((step) => step.do === "pass" && step.ms >= 37);
    const program: Program = { on: "memory", handlers: [{ kind: "consumer", concurrency: 4 }], steps: [{ do: "pass", ms: 1234 }] };
    expect((await shrink(program, async (candidate) => sleepsLong(candidate))).program.steps).toEqual([{ do: "pass", ms: 50 }]);
  });
});
