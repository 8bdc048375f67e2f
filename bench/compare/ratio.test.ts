import { describe, expect, it } from "vitest";
import { meanRatio, type Ratio } from "./ratio.ts";

/** Numbers from 0 to 1 that are the same in every run of the test. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const rounded = ({ value, low, high }: Ratio): readonly string[] => [value, low, high].map((bound) => bound.toFixed(4));

describe("meanRatio", () => {
  it("gives the mean of the logarithms, and Student's interval about it", () => {
    // By hand: the logarithms are ln 2 times 1, 0, -1; their mean is 0, its error ln 2 / √3, and t for 2 degrees of freedom is 4.302653.
    const reach = 2 ** (4.302653 / Math.sqrt(3));
    expect(rounded(meanRatio([2, 1, 0.5]))).toEqual(rounded({ value: 1, low: 1 / reach, high: reach }));
    // Those of 15 ratios, reckoned elsewhere with the t of a printed table, 2.144787.
    const fifteen = [0.91, 0.95, 0.88, 1.02, 0.93, 0.97, 0.9, 0.99, 0.94, 0.92, 0.96, 0.89, 1.01, 0.93, 0.95];
    expect(rounded(meanRatio(fifteen))).toEqual(["0.9425", "0.9198", "0.9657"]);
  });

  it("turns over when old and new change places", () => {
    const ratios = [0.9, 1.1, 0.7];
    const turned = meanRatio(ratios.map((ratio) => 1 / ratio));
    expect(rounded(meanRatio(ratios))).toEqual(rounded({ value: 1 / turned.value, low: 1 / turned.high, high: 1 / turned.low }));
  });

  it("holds the truth in 95 of 100 comparisons", () => {
    const random = numbers(7);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const [truth, rounds] = [0.9, 20_000];
    for (const pairs of [3, 15]) {
      let held = 0;
      for (let round = 0; round < rounds; round++) {
        const { low, high } = meanRatio(Array.from({ length: pairs }, () => truth * Math.exp(0.1 * normal())));
        if (low <= truth && truth <= high) held++;
      }
      expect(held / rounds, `${pairs} pairs`).toBeGreaterThan(0.945);
      expect(held / rounds, `${pairs} pairs`).toBeLessThan(0.955);
    }
  });

  it("refuses a single ratio", () => {
    expect(() => meanRatio([1])).toThrow("two ratios or more");
  });
});
