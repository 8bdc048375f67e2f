import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Call } from "./call.ts";
import { LostCalls } from "./lost-calls.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("a success is forgotten after 30 s, whatever else has succeeded once more meanwhile", async () => {
  const lost = new LostCalls();
  const call = {} as Call;
  for (const token of ["a", "b"]) lost.end(token, call, true, undefined);
  await vi.advanceTimersByTimeAsync(20_000);
  lost.end("a", call, true, undefined);
  await vi.advanceTimersByTimeAsync(15_000);
  expect([lost.hasSucceeded("a"), lost.hasSucceeded("b")]).toEqual([true, false]);
  await vi.advanceTimersByTimeAsync(15_000);
  expect([lost.hasSucceeded("a"), lost.any]).toEqual([false, false]);
});
