import type { BrokerName } from "../../scripts/brokers/broker.ts";
import { withBroker } from "./running-broker.ts";
import type { Section } from "./section.ts";

/** A part on a broker of its own. Without one the part is not run, and says so. */
export async function onBroker(name: BrokerName, run: (url: string) => Promise<Section>): Promise<Section> {
  const section = await withBroker(name, run);
  return "notRun" in section ? { conditions: [`**not run**: ${section.notRun}`], tables: [], goals: [] } : section;
}
