import { OptionError } from "../errors/index.ts";
import { OptionCheck } from "../options/index.ts";
import { unprovedClaims } from "./capability-proofs.ts";
import { type ConformanceSetup, checkSetupNames } from "./conformance-setup.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import type { TestRunner } from "./test-runner.ts";
import { World } from "./world.ts";

/**
 * Registers the suite that every adapter must pass: one test per scenario, and one that every capability claimed is proved.
 *
 * A scenario that does not apply, or that `setup.exclude` names, is shown as not run with its reason, never as passed.
 * Nothing is retried. Each test has a topic and a group of its own.
 *
 * Throws `OptionError` `BAD_OPTION` when the setup has a part that is not known, or an exclusion names no scenario or gives no reason.
 *
 * ```ts
 * import { describe, it } from "vitest";
 * conformance({ describe, it }, { name: "memory", capabilities, create: () => new MemoryPubSub(), singleInstance: true });
 * ```
 */
export function conformance(runner: TestRunner, setup: ConformanceSetup): void {
  register(runner, setup, 1);
}

/**
 * The same suite with every scenario run `times` times at once, on the same broker: `stress(20)({ describe, it }, setup)`.
 * Scenarios that look at the whole process or restart the broker still run once.
 */
export function stress(times: number): (runner: TestRunner, setup: ConformanceSetup) => void {
  new OptionCheck("stress").required("times", times).integer("times", times, { min: 1 }).done();
  return (runner, setup) => register(runner, setup, times);
}

/**
 * Runs one scenario in a world of its own; throws when the adapter breaks its promise. `pace` multiplies every patience, for
 * runs that share the machine with many others.
 */
export async function runScenario(scenario: Scenario, setup: ConformanceSetup, pace = 1): Promise<void> {
  const world = new World(setup, pace);
  let failed = true;
  try {
    await scenario.run(world);
    failed = false;
  } finally {
    // A scenario that failed may leave an adapter that cannot close; what failed first is what must be shown.
    if (failed) await world.cleanUp().catch(() => {});
    else await world.cleanUp();
  }
}

/** `true`, or the reason why the scenario is not run for this adapter. */
export function applies(scenario: Scenario, setup: ConformanceSetup): true | string {
  const excluded = setup.exclude?.[scenario.name];
  return excluded ?? scenario.needs?.(setup.capabilities, setup) ?? true;
}

function register(runner: TestRunner, setup: ConformanceSetup, times: number): void {
  checkSetup(setup);
  runner.describe(`${setup.name} keeps the contract${times > 1 ? `, ${times} times at once` : ""}`, () => {
    for (const scenario of SCENARIOS) {
      const verdict = applies(scenario, setup);
      if (verdict !== true) showNotRun(runner, scenario, verdict);
      else {
        const copies = scenario.alone === true ? 1 : times;
        runner.it(scenario.title, () => runCopies(scenario, setup, copies), (scenario.timeoutMs ?? 60_000) * paceOf(copies));
      }
    }
    runner.it("proves every capability it claims", () => {
      const unproved = unprovedClaims(setup);
      if (unproved.length > 0) throw new OptionError(setup.name, unproved, { code: "CAPABILITY_UNPROVED" });
      return Promise.resolve();
    });
  });
}

async function runCopies(scenario: Scenario, setup: ConformanceSetup, copies: number): Promise<void> {
  const results = await Promise.allSettled(Array.from({ length: copies }, () => runScenario(scenario, setup, paceOf(copies))));
  const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  if (failures.length > 0) throw failures[0];
}

/** A scenario that runs many times at once shares the machine with its copies. */
function paceOf(copies: number): number {
  return Math.max(1, copies / 4);
}

function checkSetup(setup: ConformanceSetup): void {
  const check = checkSetupNames(new OptionCheck(`conformance of ${setup?.name}`), setup);
  const names = new Set(SCENARIOS.map((scenario) => scenario.name));
  for (const [name, reason] of Object.entries(setup.exclude ?? {})) {
    check.that(names.has(name), `exclude names "${name}", which is no scenario`);
    check.that(reason.trim().length > 0, `exclude["${name}"] gives no reason`);
  }
  check.done();
}

function showNotRun(runner: TestRunner, scenario: Scenario, reason: string): void {
  const title = `${scenario.title} [${scenario.name}] (not run: ${reason})`;
  if (runner.notRun !== undefined) runner.notRun(scenario.title, reason);
  else if (runner.it.skip !== undefined) runner.it.skip(title, () => Promise.resolve());
  else console.warn(title);
}
