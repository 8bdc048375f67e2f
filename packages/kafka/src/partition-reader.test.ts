import { describe, expect, it } from "vitest";
import { PartitionReader } from "./partition-reader.ts";

describe("PartitionReader", () => {
  it("keeps what was settled beyond the prefix before it came, also when it has read into the middle of it", () => {
    const reader = new PartitionReader("t", 0, 5, [{ begin: 7, end: 12 }]);
    expect(reader.settledBeyond()).toEqual([{ begin: 7, end: 12 }]);
    reader.restart(9);
    expect(reader.settledBeyond()).toEqual([{ begin: 9, end: 12 }]);
    expect(reader.settledTo).toBe(9);
  });

  it("tells its lag once it knows the end of the log, without what was settled beyond the prefix", () => {
    const reader = new PartitionReader("t", 0, 5, [{ begin: 7, end: 12 }]);
    expect(reader.lag).toBeUndefined();
    reader.end = 20;
    expect(reader.lag).toBe(10);
    reader.restart(9);
    expect(reader.lag).toBe(8);
    reader.restart(20);
    expect([reader.lag, reader.oldestAt]).toEqual([0, undefined]);
  });

  it("forgets it once that is read", () => {
    const reader = new PartitionReader("t", 0, 5, [{ begin: 7, end: 12 }]);
    reader.restart(12);
    expect(reader.settledBeyond()).toEqual([]);
  });
});
