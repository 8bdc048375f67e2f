import fc from "fast-check";
import { expect, it } from "vitest";
import { type Due, DueHeap } from "./due-heap.ts";

it("gives the earliest first, and of one moment the first that came, whatever is put and taken in between", () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant("pop" as const)), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (plan) => {
      const heap = new DueHeap<Due>();
      let model: Due[] = [];
      for (const [turn, step] of plan.entries()) {
        if (step === "pop") {
          const [first, ...rest] = model;
          expect(heap.peek()).toBe(first);
          expect(heap.pop()).toBe(first);
          model = rest;
        } else {
          const item = { dueMs: step, turn };
          heap.push(item);
          model = [...model, item].sort((one, other) => one.dueMs - other.dueMs || one.turn - other.turn);
        }
        expect(heap.size).toBe(model.length);
      }
    }),
  );
});
