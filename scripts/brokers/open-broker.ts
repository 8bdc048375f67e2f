import type { Broker, BrokerAddress } from "./broker.ts";
import { KafkaBroker } from "./kafka/kafka-broker.ts";
import { RabbitmqBroker } from "./rabbitmq/rabbitmq-broker.ts";

export function openBroker(address: BrokerAddress & { readonly name: "kafka" }): KafkaBroker;
export function openBroker(address: BrokerAddress & { readonly name: "rabbitmq" }): RabbitmqBroker;
export function openBroker(address: BrokerAddress): Broker;
/** The broker at an address, whether it runs or not. */
export function openBroker(address: BrokerAddress): Broker {
  return address.name === "kafka" ? new KafkaBroker(address) : new RabbitmqBroker(address);
}
