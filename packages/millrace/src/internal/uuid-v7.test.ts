import { expect, it } from "vitest";
import { uuidV7 } from "./uuid-v7.ts";

it("makes ids of version 7 that begin with the time, ascend, and do not repeat, also beyond 4096 in a millisecond", () => {
  const before = Date.now();
  const ids = Array.from({ length: 20_000 }, () => uuidV7());
  expect(ids.filter((id) => !/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
  const first = Number.parseInt((ids[0] as string).replace("-", "").slice(0, 12), 16);
  expect(first).toBeGreaterThanOrEqual(before);
  expect(first).toBeLessThanOrEqual(Date.now());
});
