import fc from "fast-check";
import { expect, it } from "vitest";
import { TextMap } from "./metadata.ts";

it("copies of metadata are independent of one another, whichever is written to, however they were copied", () => {
  const which = fc.nat({ max: 9 });
  const key = fc.constantFrom("a", "b", "c");
  const step = fc.oneof(
    fc.record({ do: fc.constant("copy" as const), which }),
    fc.record({ do: fc.constant("set" as const), which, key, value: fc.constantFrom("1", "2") }),
    fc.record({ do: fc.constant("delete" as const), which, key }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const all = [{ real: new TextMap(), model: new Map<string, string>() }];
      for (const one of steps) {
        const { real, model } = all[one.which % all.length] as (typeof all)[number];
        if (one.do === "copy") all.push({ real: new TextMap(real), model: new Map(model) });
        else if (one.do === "set") {
          real.set(one.key, one.value);
          model.set(one.key, one.value);
        } else expect(real.delete(one.key)).toBe(model.delete(one.key));
        for (const each of all) {
          expect([...each.real]).toEqual([...each.model]);
          expect(each.real.size).toBe(each.model.size);
          expect([each.real.get("a"), each.real.has("a")]).toEqual([each.model.get("a"), each.model.has("a")]);
        }
      }
    }),
  );
});
