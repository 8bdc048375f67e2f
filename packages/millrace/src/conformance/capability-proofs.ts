import type { Capabilities } from "../message/index.ts";
import type { ConformanceSetup } from "./conformance-setup.ts";
import { SCENARIOS } from "./scenarios/index.ts";

/** Says how well an adapter has been tried; no scenario can show it. */
const NOT_A_CLAIM: readonly (keyof Capabilities)[] = ["stability"];

/** Order across members is more than what the other scenarios about order show. */
const PER_KEY_PROOFS: readonly string[] = ["order-across-members"];

/** That a limit is kept says nothing of what is within it. */
const DELAY_PROOFS: readonly string[] = ["held-back-until-due"];

/** Each capability and the scenarios that prove it. */
export function capabilityProofs(): ReadonlyMap<keyof Capabilities, readonly string[]> {
  const proofs = new Map<keyof Capabilities, string[]>();
  for (const scenario of SCENARIOS) {
    for (const capability of scenario.proves ?? []) proofs.set(capability, [...(proofs.get(capability) ?? []), scenario.name]);
  }
  return proofs;
}

/** The claims for which nothing runs, each with the reason of every scenario that could have proved it. */
export function unprovedClaims(setup: ConformanceSetup): string[] {
  const proofs = capabilityProofs();
  return Object.entries(setup.capabilities).flatMap(([name, claim]) => {
    const capability = name as keyof Capabilities;
    if (!isClaim(capability, claim, setup)) return [];
    const names = stronger(capability, claim) ?? proofs.get(capability) ?? [];
    const reasons = names.map((proof) => [proof, reasonAgainst(proof, setup)] as const);
    if (reasons.some(([, reason]) => reason === undefined)) return [];
    return [`${capability} is claimed and nothing that runs proves it${reasons.map(([proof, reason]) => `; ${proof}: ${reason}`).join("")}`];
  });
}

/** The proofs of a claim that needs more than its capability's others. */
function stronger(capability: keyof Capabilities, claim: unknown): readonly string[] | undefined {
  if (claim === "per-key") return PER_KEY_PROOFS;
  return capability === "maxPublishDelayMs" && Number(claim) > 0 ? DELAY_PROOFS : undefined;
}

function isClaim(capability: keyof Capabilities, claim: unknown, setup: ConformanceSetup): boolean {
  if (NOT_A_CLAIM.includes(capability)) return false;
  if (capability === "ordering") return claim !== "none";
  // An adapter that lends nothing has nothing to renew: no lease in the setup, no claim.
  if (capability === "maxHandlingMs") return setup.lease !== undefined;
  if (capability === "maxPublishDelayMs") return true; // none is a claim too: that delays are refused
  return claim === true;
}

function reasonAgainst(name: string, setup: ConformanceSetup): string | undefined {
  const scenario = SCENARIOS.find((candidate) => candidate.name === name);
  if (scenario === undefined) return "no such scenario";
  const excluded = setup.exclude?.[name];
  if (excluded !== undefined) return excluded;
  const need = scenario.needs?.(setup.capabilities, setup) ?? true;
  return need === true ? undefined : need;
}
