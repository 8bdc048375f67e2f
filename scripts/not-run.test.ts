import { describe, expect, it } from "vitest";
import { type NotRun, notRunLines } from "./not-run.ts";

const skipped = (fullName: string, reason?: string, file = "packages/x/src/a.test.ts"): NotRun => ({ file, fullName, reason });

describe("what was not run", () => {
  it("is told once, an adapter a line, with each reason and its number of tests", () => {
    const lines = notRunLines([
      skipped("run 1 of 3 > MemoryPubSub keeps the contract > one", "no proxy"),
      skipped("run 2 of 3 > MemoryPubSub keeps the contract > one", "no proxy"),
      skipped("run 1 of 3 > MemoryPubSub keeps the contract > three", "not durable"),
      skipped("run 1 of 3 > MemoryPubSub keeps the contract > two", "no proxy"),
      skipped("Toy keeps the contract, 20 times at once > two", "no proxy"),
    ]);
    expect(lines).toEqual(["not run: MemoryPubSub: 3 tests: no proxy (2); not durable (1)", "not run: Toy: 1 test: no proxy (1)"]);
  });

  it("is told by file where it is no adapter's suite", () => {
    expect(notRunLines([skipped("Go > reads", undefined, "test/interop/go.test.ts")])).toEqual([
      "not run: test/interop/go.test.ts: 1 test: no reason given (1)",
    ]);
  });

  it("takes 25 lines at most", () => {
    const lines = notRunLines(Array.from({ length: 40 }, (_, place) => skipped("x", "why", `${place}.test.ts`)));
    expect(lines).toHaveLength(25);
    expect(lines.at(-1)).toBe("not run: in 16 more places");
  });
});
