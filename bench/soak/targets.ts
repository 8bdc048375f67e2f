import type { AdapterModule, Capabilities } from "millrace";
import type { Broker, BrokerName } from "../../scripts/brokers/broker.ts";

type Adapter = AdapterModule & { readonly capabilities: Capabilities };

interface Target {
  readonly scheme: string;
  /** Added to the broker's URL. */
  readonly parameters: string;
  load(): Promise<Adapter>;
}

/** All that a soak knows about a broker by its name; the rest it asks of the capabilities. */
const TARGETS: Readonly<Record<BrokerName, Target>> = {
  kafka: { scheme: "kafka", parameters: "?partitions=6", load: () => import("@millrace/kafka") },
  rabbitmq: { scheme: "amqp", parameters: "", load: () => import("@millrace/rabbitmq") },
};

/** For `connect`. */
export const ADAPTERS: Readonly<Record<string, () => Promise<AdapterModule>>> = Object.fromEntries(
  Object.values(TARGETS).map(({ scheme, load }) => [scheme, load]),
);

export function soakUrl(broker: Broker): string {
  return broker.url + TARGETS[broker.name].parameters;
}

export async function capabilitiesOf(name: BrokerName): Promise<Capabilities> {
  const { capabilities } = await TARGETS[name].load();
  return capabilities;
}
