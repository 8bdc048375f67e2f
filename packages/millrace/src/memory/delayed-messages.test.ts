import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Message } from "../message/index.ts";
import { DelayedMessages } from "./delayed-messages.ts";
import { Stored } from "./stored.ts";

const START = new Date("2026-01-01T00:00:00.000Z").getTime();
const YEAR = 365 * 24 * 3_600_000;

let entered: string[] = [];
const entry = new Stored(new Message("x"), undefined);
const delayed = (bound = Infinity): DelayedMessages => new DelayedMessages((topic) => entered.push(`${topic} ${Date.now() - START}`), bound);

beforeEach(() => {
  entered = [];
  vi.useFakeTimers({ now: START });
});
afterEach(() => void vi.useRealTimers());

describe("DelayedMessages", () => {
  it("wait longer than a timer can", async () => {
    const messages = delayed();
    messages.hold("a century", entry, START + 100 * YEAR);
    messages.hold("a year", entry, START + YEAR);
    await vi.advanceTimersByTimeAsync(YEAR - 1);
    expect(entered).toEqual([]);
    await vi.advanceTimersByTimeAsync(99 * YEAR);
    expect(entered).toEqual([`a year ${YEAR}`]);
    await vi.advanceTimersByTimeAsync(YEAR + 1);
    expect(entered).toEqual([`a year ${YEAR}`, `a century ${100 * YEAR}`]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("wait again when the clock of the machine is set back", async () => {
    const messages = delayed();
    messages.hold("t", entry, START + 1000);
    vi.setSystemTime(START - 5000);
    await vi.advanceTimersByTimeAsync(5999);
    expect(entered).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(entered).toEqual(["t 1000"]);
  });

  it("let in what is due earlier than what they wait for", async () => {
    const messages = delayed();
    messages.hold("second", entry, START + 1000);
    messages.hold("first", entry, START + 500);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(entered).toEqual(["first 500", "second 1000"]);
  });

  it("are waited for again after all before them have come", async () => {
    const messages = delayed();
    for (const at of [1000, 3000]) {
      messages.hold("t", entry, START + at);
      await vi.advanceTimersByTimeAsync(2000);
    }
    expect(entered).toEqual(["t 1000", "t 3000"]);
    expect([...messages.close()]).toEqual([]);
  });

  it("are bounded by topic, and take in again what has gone", async () => {
    const messages = delayed(2);
    expect([1, 2, 3].map((at) => messages.hold("t", entry, START + at))).toEqual([true, true, false]);
    expect(messages.hold("other", entry, START + 5)).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(messages.hold("t", entry, START + 4)).toBe(true);
    expect(messages.hold("t", entry, START + 4)).toBe(false);
  });

  it("tell at their end how many of each topic never come, and leave no timer", async () => {
    const messages = delayed();
    for (const topic of ["a", "b", "a"]) messages.hold(topic, entry, START + 1000);
    expect([...messages.close()]).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(2000);
    expect(entered).toEqual([]);
  });
});
