import type { BrokerName } from "../../scripts/brokers/broker.ts";
import { BrokerRun, clearDeadRuns, placeBroker } from "../../scripts/brokers/broker-run.ts";
import { BrokerUnavailable } from "../../scripts/brokers/broker-unavailable.ts";
import { openBroker } from "../../scripts/brokers/open-broker.ts";

/** What was deleted leaves the disk at once, or the runs would fill it. */
const CONFIG: Readonly<Record<BrokerName, string>> = { kafka: "log.segment.delete.delay.ms=100\n", rabbitmq: "" };

/** Has a broker of its own started, in a folder and on ports of its own, and removes it afterwards. Where none can be had, the answer is the reason. */
export async function withBroker<Result>(name: BrokerName, run: (url: string) => Promise<Result>): Promise<Result | { readonly notRun: string }> {
  await clearDeadRuns();
  const brokers = new BrokerRun();
  try {
    const broker = openBroker(await placeBroker(brokers.folder, name, { config: CONFIG[name] }));
    await broker.install();
    await broker.start();
    return await run(broker.url);
  } catch (error) {
    if (!(error instanceof BrokerUnavailable)) throw error;
    return { notRun: error.message };
  } finally {
    await brokers.end();
  }
}
