import { afterEach, describe, expect, it } from "vitest";
import { sleep } from "../internal/timers.ts";
import { VirtualClock } from "./virtual-clock.ts";

const START = new Date("2026-01-01T00:00:00.000Z");

describe("VirtualClock", () => {
  let clock: VirtualClock;
  const install = (): VirtualClock => (clock = new VirtualClock(START).install());
  afterEach(() => clock.uninstall());

  it("shows its own time in Date and performance.now, and moves them only when told to", async () => {
    install();
    const began = performance.now();
    expect(Date.now()).toBe(START.getTime());
    await clock.advance(1500);
    expect(new Date().toISOString()).toBe("2026-01-01T00:00:01.500Z");
    expect(performance.now() - began).toBe(1500);
    expect(new Date(0).getTime()).toBe(0);
    expect(new Date()).toBeInstanceOf(Date);
  });

  it("runs timers in order of their time, also those that others start on the way", async () => {
    install();
    const ran: string[] = [];
    setTimeout(() => ran.push(`c ${Date.now() - START.getTime()}`), 300);
    setTimeout(() => {
      ran.push("a");
      setTimeout(() => ran.push(`b ${Date.now() - START.getTime()}`), 100);
    }, 100);
    await clock.advance(299);
    expect(ran).toEqual(["a", "b 200"]);
    await clock.advance(1);
    expect(ran).toEqual(["a", "b 200", "c 300"]);
  });

  it("lets promises and immediates settle between two timers", async () => {
    install();
    const ran: string[] = [];
    const waits = (async () => {
      await sleep(10);
      await new Promise((resolve) => setImmediate(resolve));
      ran.push("first");
      await sleep(10);
      ran.push("second");
    })();
    setTimeout(() => ran.push("between"), 15);
    await clock.advance(20);
    await waits;
    expect(ran).toEqual(["first", "between", "second"]);
  });

  it("repeats intervals until they are cleared", async () => {
    install();
    let ticks = 0;
    const timer = setInterval(() => {
      if (++ticks === 3) clearInterval(timer);
    }, 10);
    await clock.advance(100);
    expect(ticks).toBe(3);
    expect(clock.waiting).toBe(0);
  });

  it("cancels timers by handle and by number", async () => {
    install();
    let ran = 0;
    clearTimeout(setTimeout(() => ran++, 5));
    clearTimeout(Number(setTimeout(() => ran++, 5)));
    await clock.advance(10);
    expect(ran).toBe(0);
  });

  it("puts everything back, and refuses a second clock beside the first", () => {
    const real = { setTimeout: globalThis.setTimeout, Date: globalThis.Date, setImmediate: globalThis.setImmediate };
    install();
    expect(globalThis.setTimeout).not.toBe(real.setTimeout);
    expect(() => new VirtualClock().install()).toThrow(expect.objectContaining({ code: "CLOCK_ACTIVE" }));
    clock.uninstall();
    expect(globalThis.setTimeout).toBe(real.setTimeout);
    expect(globalThis.Date).toBe(real.Date);
    expect(globalThis.setImmediate).toBe(real.setImmediate);
    expect(Math.abs(Date.now() - START.getTime())).toBeGreaterThan(1000);
  });
});
