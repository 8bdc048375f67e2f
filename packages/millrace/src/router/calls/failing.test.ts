import { expect, it, vi } from "vitest";
import { Failing } from "./failing.ts";

it("what fails is remembered for the last 10,000 messages, however many there are", () => {
  const failing = new Failing();
  for (let index = 0; index <= 10_000; index++) failing.add(`t\n${index}\n`, 1, false, 60_000);
  expect(failing.dueInMs("t\n0\n")).toBe(0);
  for (const kept of [1, 10_000]) expect(failing.dueInMs(`t\n${kept}\n`)).toBeGreaterThan(50_000);
});

it("health tells the most attempts of what fails now, and that something is tried for ever", () => {
  const failing = new Failing();
  failing.add("a", 3, true, 60_000);
  failing.add("b", 1, false, 60_000);
  expect([failing.attempts, failing.exhausted]).toEqual([3, true]);
  failing.forget("a");
  expect([failing.attempts, failing.exhausted]).toEqual([1, false]);
});

it("has come alone what failed with its batch, and what cannot be recognised once it has no attempts left", () => {
  const failing = new Failing();
  failing.add("a", 1, false, 60_000, true);
  failing.add("b", 1, false, 60_000);
  failing.add(undefined, 1, false, 60_000, true);
  expect([failing.comesAlone("a", 2), failing.comesAlone("b", 2)]).toEqual([true, false]);
  expect([failing.comesAlone(undefined, 10), failing.comesAlone(undefined, 11)]).toEqual([false, true]);
});

it("what went to another member is looked for no longer than it is shown, also when nobody asks for health", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const failing = new Failing();
    failing.add("t\n1\n", 1, false, 100);
    vi.advanceTimersByTime(5_000);
    expect([failing.dueInMs("t\n2\n"), failing.any]).toEqual([0, true]);
    vi.advanceTimersByTime(1_000);
    expect([failing.dueInMs("t\n2\n"), failing.any]).toEqual([0, false]);
  } finally {
    vi.useRealTimers();
  }
});
