import type { TestProject } from "vitest/node";
import type { BrokerAddress, BrokerName } from "../../scripts/brokers/broker.ts";
import { BrokerRun, clearDeadRuns, placeBroker } from "../../scripts/brokers/broker-run.ts";
import { BrokerUnavailable } from "../../scripts/brokers/broker-unavailable.ts";
import { openBroker } from "../../scripts/brokers/open-broker.ts";
import { missingBrokers } from "./missing-brokers.ts";
import { neededBrokers } from "./needed-brokers.ts";

/** What became of a broker that the chosen tests need. */
export type StartedBroker = { readonly address: BrokerAddress } | { readonly notRun: string } | { readonly broken: string };

declare module "vitest" {
  interface ProvidedContext {
    readonly brokers: { readonly folder: string } & Readonly<Partial<Record<BrokerName, StartedBroker>>>;
  }
}

/** Starts the brokers that the chosen tests need, for all of them together, and stops them at the end. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  // Every project inherits this file; the root's own turn comes last, and what it provides all of them see.
  if (project !== project.vitest.getRootProject()) return undefined;
  const { shared, any } = neededBrokers(project.vitest.state.getPaths());
  if (!any) return undefined;
  await clearDeadRuns();
  const run = new BrokerRun();
  const started = await Promise.all(shared.map(async (name) => [name, await start(run, name)] as const));
  project.provide("brokers", { folder: run.folder, ...Object.fromEntries(started) });
  return () => run.end();
}

async function start(run: BrokerRun, name: BrokerName): Promise<StartedBroker> {
  try {
    const address = await placeBroker(run.folder, name);
    const broker = openBroker(address);
    await broker.install();
    await broker.start();
    return { address };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (!(error instanceof BrokerUnavailable)) return { broken: reason };
    missingBrokers().push(`not run: everything on ${name}: ${reason}`);
    return { notRun: reason };
  }
}
