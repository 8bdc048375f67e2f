import { Message, metadata, OptionError } from "millrace";
import { describe, expect, it } from "vitest";
import { DELAYED_FOR, DELAYED_UNTIL, delayed, dueMs, goDuration } from "./delay.ts";

describe("delayed", () => {
  it("writes durations as Go does", () => {
    const cases = { 0: "0s", 100: "100ms", 1500: "1.5s", 60000: "1m0s", 90000: "1m30s", 129900250: "36h5m0.25s" };
    for (const [ms, text] of Object.entries(cases)) expect(goDuration(Number(ms))).toBe(text);
    expect(goDuration(0.0015)).toBe("2µs");
  });

  it("sets both of Watermill's keys on a copy, and leaves the message alone", () => {
    const message = new Message("x", { id: "m", metadata: { a: "b" } });
    const until = new Date(Date.now() + 5000);
    const copy = delayed(message, { until });
    expect(copy.id).toBe("m");
    expect(dueMs(copy.metadata)).toBe(until.getTime());
    expect(copy.metadata.get(DELAYED_FOR)).toMatch(/s$/);
    expect(message.metadata.has(DELAYED_UNTIL)).toBe(false);
  });

  it("reads whole seconds and offsets as Watermill writes them, and takes a time that is over for none", () => {
    expect(dueMs(metadata({ [DELAYED_UNTIL]: "2099-01-01T00:00:00+02:00" }))).toBe(Date.UTC(2098, 11, 31, 22));
    expect(dueMs(metadata({ [DELAYED_UNTIL]: "2001-01-01T00:00:00Z" }))).toBeUndefined();
    expect(() => dueMs(metadata({ [DELAYED_UNTIL]: "2099-01-01" }))).toThrow(expect.objectContaining({ code: "INVALID_DELAY" }));
  });

  it("refuses a delay that is none", () => {
    expect(() => delayed(new Message("x"), { delayMs: -1 })).toThrow(OptionError);
    expect(() => delayed(new Message("x"), { until: new Date(Number.NaN) })).toThrow(OptionError);
  });
});
