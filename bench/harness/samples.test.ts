import { describe, expect, it } from "vitest";
import { Samples } from "./samples.ts";

function samples(...values: number[]): Samples {
  const made = new Samples();
  for (const ns of values) made.add({ ns });
  return made;
}

describe("Samples", () => {
  it("gives the middle run, the worst run, and half of what lies between the best and the worst", () => {
    const runs = samples(90, 100, 300, 110, 95);
    expect([runs.median("ns"), runs.worst("ns"), runs.spread("ns")]).toEqual([100, 300, 1.05]);
  });

  it("compares round by round, so that a slow moment of the machine slows both sides", () => {
    expect(samples(100, 400, 100).over(samples(200, 800, 200), "ns")).toBe(0.5);
  });

  it("refuses a figure that no run gave", () => {
    expect(() => samples(1).median("perSecond")).toThrow('no figure is named "perSecond": there are ns');
  });
});
