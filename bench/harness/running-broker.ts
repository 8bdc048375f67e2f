import type { BrokerName } from "../../scripts/brokers/broker.ts";
import { BrokerRun, clearDeadRuns, placeBroker } from "../../scripts/brokers/broker-run.ts";
import { BrokerUnavailable } from "../../scripts/brokers/broker-unavailable.ts";
import { openBroker } from "../../scripts/brokers/open-broker.ts";
import type { Section } from "./section.ts";

/** Has a broker of its own started for a part, in a folder and on ports of its own, and removes it afterwards. Without one the part is not run, and says so. */
export async function withBroker(name: BrokerName, config: string, run: (url: string) => Promise<Section>): Promise<Section> {
  await clearDeadRuns();
  const brokers = new BrokerRun();
  try {
    const broker = openBroker(await placeBroker(brokers.folder, name, { config }));
    await broker.install();
    await broker.start();
    return await run(broker.url);
  } catch (error) {
    if (!(error instanceof BrokerUnavailable)) throw error;
    return { conditions: [`**not run**: ${error.message}`], tables: [], goals: [] };
  } finally {
    await brokers.end();
  }
}
