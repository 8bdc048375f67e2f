import type { BrokerAdmin, Capabilities } from "../message/index.ts";
import type { ConformanceSetup } from "./conformance-setup.ts";
import type { World } from "./world.ts";

/** One promise of the contract, shown on a real adapter. */
export interface Scenario {
  /** Kebab-case, unique: what `exclude` names. */
  readonly name: string;
  /** The promise, as a sentence in the present tense. */
  readonly title: string;
  /** The capabilities that this scenario proves when it passes. */
  readonly proves?: ReadonlyArray<keyof Capabilities> | undefined;
  /** True when the scenario looks at the whole process or the whole broker, and so is never run several times at once. */
  readonly alone?: boolean | undefined;
  /** Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** `true`, or the reason why this scenario says nothing about that adapter. */
  readonly needs?: ((capabilities: Capabilities, setup: ConformanceSetup) => true | string) | undefined;
  /** Throws when the promise is broken. */
  readonly run: (world: World) => Promise<void>;
}

/** The first reason among several needs. */
export function allOf(...needs: ReadonlyArray<true | string>): true | string {
  return needs.find((need) => need !== true) ?? true;
}

/** `true` when the condition holds, else the reason. */
export function need(condition: unknown, reason: string): true | string {
  return condition !== undefined && condition !== false ? true : reason;
}

export const needsGroups = (capabilities: Capabilities): true | string => need(capabilities.consumerGroups, "the adapter has no consumer groups");
export const needsRedelivery = (capabilities: Capabilities): true | string => need(capabilities.redelivers, "the adapter does not redeliver");
export const needsOrder = (capabilities: Capabilities): true | string => need(capabilities.ordering !== "none", "the adapter promises no order");
export const needsReplay = (capabilities: Capabilities): true | string => need(capabilities.replay, "the adapter cannot replay");
export const needsDelay = (capabilities: Capabilities): true | string =>
  need(capabilities.maxPublishDelayMs > 0, "the adapter holds no published messages back");
export const needsWorker = (setup: ConformanceSetup): true | string => need(setup.faults?.worker, "the setup names no worker program");
export const needsProxy = (setup: ConformanceSetup): true | string => need(setup.faults?.proxied, "the setup has no proxied connection");
export const needsLease = (setup: ConformanceSetup): true | string => need(setup.lease, "the broker lends nothing for a time");
export const needsAdmin = (setup: ConformanceSetup, ...questions: ReadonlyArray<keyof BrokerAdmin>): true | string => {
  const missing = questions.filter((question) => setup.admin?.includes(question) !== true);
  return missing.length === 0 ? true : `the adapter's admin does not answer ${missing.join(", ")}`;
};
export const needsInstances = (setup: ConformanceSetup): true | string =>
  need(setup.singleInstance !== true, "an instance of this adapter does not see what another one holds");
