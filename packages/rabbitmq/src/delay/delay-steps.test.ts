import { silentLogger } from "millrace";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Link } from "../link.ts";
import { holdFor } from "./delay-exit.ts";
import { DelaySteps, stepQueueName } from "./delay-steps.ts";

const NOW = 1_800_000_000_000;
const exit = { exchange: "shop", routingKey: "order.placed", keep: true };
const steps = new DelaySteps({ current: undefined } as unknown as Link, { logger: silentLogger, reconnect: { minDelayMs: 1, maxDelayMs: 1 } });

afterEach(() => void vi.useRealTimers());

describe("the address of a message that is held back", () => {
  it("has the digits of what is left of its delay when it is sent, not when it was published", () => {
    vi.useFakeTimers({ now: NOW });
    const hold = holdFor(exit, NOW + 90_000, 90_000);
    expect(steps.address(hold)).toEqual({ exchange: "millrace.delay.level.5", routingKey: `0.0.0.0.0.2.6.0.0.0.${hold.word}` });
    vi.setSystemTime(NOW + 88_000); // it waited for a connection
    expect(steps.address(hold)).toEqual({ exchange: "millrace.delay.level.3", routingKey: `0.0.0.0.0.0.0.4.0.0.${hold.word}` });
    vi.setSystemTime(NOW + 90_001);
    expect(steps.address(hold)).toBe(exit);
  });

  it("ends in a word that tells exits and classes of delay apart", () => {
    const holds = [
      holdFor(exit, 0, 1_000),
      holdFor({ ...exit, keep: false }, 0, 1_000),
      holdFor({ ...exit, exchange: "shop.order", routingKey: "placed" }, 0, 1_000),
      holdFor(exit, 0, 3_600_000),
      holdFor(exit, 0, 86_400_000),
      holdFor(exit, 0, 86_400_001),
    ];
    expect(new Set(holds.map(({ word }) => word)).size).toBe(holds.length);
    expect(new Set(holds.map(({ gate }) => gate)).size).toBe(holds.length);
    expect(holds.map(({ gate }) => gate).slice(0, 2)).toEqual(["millrace.delay.to.shop:order.placed.5m", "millrace.delay.to.shop:order.placed.5m.drops"]);
  });

  it("has a last queue with a name of its own also where names are long or hold colons", () => {
    const odd = [
      ["a:b", "c"],
      ["a", "b:c"],
      ["x".repeat(255), "y"],
      ["x".repeat(255), "z"],
      ["ż".repeat(100), "ż"],
    ].map(([exchange = "", routingKey = ""]) => holdFor({ exchange, routingKey, keep: true }, 0, 1).gate);
    expect(new Set(odd).size).toBe(odd.length);
    for (const name of odd) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
  });

  it("gives every last queue more time than what goes through it needs", () => {
    for (const delayMs of [1, 300_000, 300_001, 3_600_000, 86_400_000, 45 * 86_400_000]) {
      const { longestMs, expiresMs } = holdFor(exit, 0, delayMs).class;
      expect(longestMs).toBeGreaterThanOrEqual(delayMs);
      expect(expiresMs).toBeGreaterThan(longestMs * 1.005 + 10 * 60_000);
    }
  });

  it("goes through queues named by their time", () => {
    expect(stepQueueName(3, 4)).toBe("millrace.delay.2048ms");
  });
});
