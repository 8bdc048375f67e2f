import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SettledPrefix } from "./settled-prefix.ts";

describe("SettledPrefix", () => {
  it("is the last offset before the first that is not settled, whatever the order", () => {
    const from = fc.integer({ min: 0, max: 70 });
    const order = fc.integer({ min: 1, max: 600 }).chain((count) => fc.shuffledSubarray(Array.from({ length: count }, (_, index) => index + 1)));
    fc.assert(
      fc.property(from, order, (start, offsets) => {
        const prefix = new SettledPrefix(start);
        const settled = new Set<number>();
        let to = start;
        for (const offset of offsets) {
          prefix.add(start + offset);
          settled.add(start + offset);
          while (settled.has(to + 1)) to++;
          expect(prefix.to).toBe(to);
        }
      }),
    );
  });

  it("counts what is settled twice, or long since, once", () => {
    const prefix = new SettledPrefix(0);
    for (const offset of [3, 3, 1, 1, 2, 2, 3, 5, 5, 4]) prefix.add(offset);
    expect(prefix.to).toBe(5);
  });

  it("passes a million places that were settled behind one, and begins anew afterwards", () => {
    const prefix = new SettledPrefix(0);
    for (let round = 0; round < 3; round++) {
      const first = round * 1_000_001 + 1;
      for (let offset = first + 1; offset <= first + 1_000_000; offset++) prefix.add(offset);
      expect(prefix.to).toBe(first - 1);
      prefix.add(first);
      expect(prefix.to).toBe(first + 1_000_000);
    }
  });
});
