import { describe, expect, it } from "vitest";
import { fullPlan, shortPlan } from "./soak-plan.ts";

describe("the plan of a soak", () => {
  it("has three restarts, ten kills and five changes of the group among a million messages", () => {
    const { messages, faults } = fullPlan();
    const count = (...kinds: string[]): number => faults.filter((kind) => kinds.includes(kind)).length;
    expect([messages, count("restart"), count("kill"), count("join", "leave"), faults.length]).toEqual([1_000_000, 3, 10, 5, 18]);
  });

  it("lets nobody leave who has not joined", () => {
    const changes = fullPlan().faults.filter((kind) => kind === "join" || kind === "leave");
    expect(changes).toEqual(["join", "leave", "join", "leave", "join"]);
  });

  it("has one of each in its short form", () => {
    expect(new Set(shortPlan().faults)).toEqual(new Set(["restart", "kill", "join"]));
  });
});
