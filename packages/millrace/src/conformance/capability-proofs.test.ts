import { describe, expect, it } from "vitest";
import { MemoryPubSub, memoryCapabilities, persistentMemoryCapabilities } from "../memory/index.ts";
import type { Capabilities } from "../message/index.ts";
import { capabilityProofs, unprovedClaims } from "./capability-proofs.ts";
import { SCENARIOS } from "./scenarios/index.ts";

const create = (): MemoryPubSub => new MemoryPubSub();

describe("capability proofs", () => {
  it("has a scenario for every capability that can be claimed", () => {
    const claimable = Object.keys(memoryCapabilities).filter((name) => name !== "stability") as (keyof Capabilities)[];
    const proofs = capabilityProofs();
    expect(claimable.filter((capability) => (proofs.get(capability) ?? []).length === 0)).toEqual([]);
  });

  it("names every scenario once, by a name that is its file's", () => {
    const names = SCENARIOS.map((scenario) => scenario.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.every((name) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toBe(true);
    expect(new Set(SCENARIOS.map((scenario) => scenario.title)).size).toBe(names.length);
  });

  it("finds nothing unproved in what the memory pub/sub claims", () => {
    expect(unprovedClaims({ name: "m", capabilities: memoryCapabilities, create, singleInstance: true })).toEqual([]);
    expect(unprovedClaims({ name: "m", capabilities: persistentMemoryCapabilities, create, singleInstance: true })).toEqual([]);
  });

  it("says of a claim that nothing proves which scenarios could, and why they do not run", () => {
    const capabilities = { ...memoryCapabilities, durable: true };
    const [problem, ...others] = unprovedClaims({ name: "m", capabilities, create, singleInstance: true });
    expect(others).toEqual([]);
    expect(problem).toContain("durable is claimed and nothing that runs proves it");
    expect(problem).toContain("survives-instances: an instance of this adapter does not see what another one holds");
  });

  it("wants order across members proved where it is claimed", () => {
    const capabilities = { ...memoryCapabilities, ordering: "per-key" } as const;
    const exclude = { "order-across-members": "only to see this" };
    expect(unprovedClaims({ name: "m", capabilities, create, singleInstance: true })).toEqual([]);
    expect(unprovedClaims({ name: "m", capabilities, create, singleInstance: true, exclude })).toEqual([
      "ordering is claimed and nothing that runs proves it; order-across-members: only to see this",
    ]);
  });

  it("counts an excluded scenario as no proof", () => {
    const exclude = { "resend-on-nack": "only to see this" };
    const [problem] = unprovedClaims({ name: "m", capabilities: memoryCapabilities, create, singleInstance: true, exclude });
    expect(problem).toContain("resend-on-nack: only to see this");
  });
});
