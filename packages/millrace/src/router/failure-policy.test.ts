import { describe, expect, it } from "vitest";
import { FAILURE_DEFAULTS, knownPolicy } from "./failure-policy.ts";

describe("a failure policy", () => {
  it("gives up after 10 hand-outs, and waits between 100 ms and 30 s, where it says nothing else", () => {
    const usual = { attempts: 10, minDelayMs: 100, maxDelayMs: 30_000 };
    expect([knownPolicy([]), knownPolicy([undefined, { attempts: undefined }]), FAILURE_DEFAULTS]).toEqual([usual, usual, usual]);
  });
});
