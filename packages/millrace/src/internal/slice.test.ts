import { afterEach, expect, it, vi } from "vitest";
import { coarseMs, nextTurn, sliceSpent } from "./slice.ts";

afterEach(() => void vi.useRealTimers());

it("goes on with turns of the real event loop after a clock for tests that never gave them", async () => {
  vi.useFakeTimers({ now: 1000 });
  while (sliceSpent()) await nextTurn();
  for (let count = 0; count < 100; count++) sliceSpent(); // opens a slice that the fake clock never closes
  void nextTurn();
  expect(coarseMs()).toBe(1000);
  vi.useRealTimers();
  await nextTurn();
  expect(Math.abs(coarseMs() - Date.now())).toBeLessThan(1000);
  expect(sliceSpent()).toBe(false);
});

it("tells one time within a turn of the event loop, and another one in the next", async () => {
  const before = coarseMs();
  const until = Date.now() + 3;
  while (Date.now() < until);
  expect(coarseMs()).toBe(before);
  await nextTurn();
  expect(coarseMs()).toBeGreaterThan(before);
});
