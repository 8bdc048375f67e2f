import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OptionError } from "../errors/index.ts";
import { MemoryDeduplicationRepository } from "./deduplication-repository.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("MemoryDeduplicationRepository", () => {
  it("remembers a key for its window exactly, without a timer", () => {
    const repository = new MemoryDeduplicationRepository({ windowMs: 5 });
    for (const key of ["a", "b", "c"]) repository.record(key);
    expect(repository.size).toBe(3);
    vi.advanceTimersByTime(4);
    expect(repository.has("a")).toBe(true);
    vi.advanceTimersByTime(1);
    expect(repository.has("a")).toBe(false);
    expect(repository.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("remembers for a minute by default", () => {
    const repository = new MemoryDeduplicationRepository();
    repository.record("a");
    vi.advanceTimersByTime(59_999);
    expect(repository.has("a")).toBe(true);
    vi.advanceTimersByTime(1);
    expect(repository.has("a")).toBe(false);
  });

  it("is not renewed by a look, but by a new record", () => {
    const repository = new MemoryDeduplicationRepository({ windowMs: 10 });
    repository.record("a");
    repository.record("b");
    vi.advanceTimersByTime(6);
    repository.has("a");
    repository.record("b");
    vi.advanceTimersByTime(6);
    expect([repository.has("a"), repository.has("b")]).toEqual([false, true]);
    expect(repository.size).toBe(1);
  });

  it("forgets the oldest keys above its bound", () => {
    const repository = new MemoryDeduplicationRepository({ maxKeys: 2 });
    for (const key of ["a", "b", "c"]) repository.record(key);
    expect(["a", "b", "c"].map((key) => repository.has(key))).toEqual([false, true, true]);
  });

  it("refuses bad options, all at once", () => {
    expect(() => new MemoryDeduplicationRepository({ windowMs: 0, maxKeys: 0 })).toThrow(/windowMs.*maxKeys/);
    expect(() => new MemoryDeduplicationRepository({ windowMs: Number.NaN })).toThrow(OptionError);
  });
});
