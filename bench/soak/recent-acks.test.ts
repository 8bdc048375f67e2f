import { describe, expect, it } from "vitest";
import { RecentAcks } from "./recent-acks.ts";

describe("RecentAcks", () => {
  it("counts the acks of its span, and of the sample before it", () => {
    const recent = new RecentAcks(500);
    expect(recent.count).toBe(0);
    recent.note(0, 10);
    recent.note(400, 30);
    expect(recent.count).toBe(20);
    recent.note(900, 70);
    expect(recent.count).toBe(40);
    recent.note(5_000, 70);
    expect(recent.count).toBe(0);
  });
});
