import { describe, expect, it } from "vitest";
import type { Side } from "./row.ts";
import { runPair } from "./run-pair.ts";

describe("runPair", () => {
  it("warms both up at once, then runs slices next to each other, and lets the sides take turns to be first", async () => {
    const order: Side[] = [];
    await runPair({ warmUps: 2, slices: 3, first: "new" }, async (side) => order.push(side));
    expect(order).toEqual(["new", "old", "new", "old", "new", "old", "old", "new", "new", "old"]);
  });

  it("does not count what was run to warm up", async () => {
    const runs = { old: 0, new: 0 };
    const pair = await runPair({ warmUps: 2, slices: 3, first: "old" }, async (side) => (++runs[side] <= 2 ? 1e9 : 100));
    expect(pair).toEqual({ old: 100, new: 100, ratio: 1 });
  });

  it("compares neighbours: a machine that gets slower all the time, or stumbles now and then, changes no ratio", async () => {
    let run = 0;
    const pair = await runPair({ warmUps: 0, slices: 7, first: "old" }, async (side) => {
      const speed = 2 ** Math.floor(run / 2) * (run === 3 || run === 8 ? 50 : 1);
      run++;
      return (side === "old" ? 80 : 100) * speed;
    });
    expect(pair.ratio).toBe(0.8);
  });
});
