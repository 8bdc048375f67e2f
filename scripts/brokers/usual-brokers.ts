import { rm } from "node:fs/promises";
import { join } from "node:path";
import { BROKER_NAMES, type Broker, type BrokerAddress, type BrokerName } from "./broker.ts";
import { BrokerUnavailable } from "./broker-unavailable.ts";
import { BROKERS_FOLDER } from "./brokers-folder.ts";
import { isFree } from "./free-ports.ts";
import { openBroker } from "./open-broker.ts";
import { portOwner } from "./port-owner.ts";
import { storeAddress, storedAddress } from "./stored-address.ts";

/** Where the data is; the tests of this command have theirs elsewhere. */
const HOME = process.env.BROKERS_HOME ?? BROKERS_FOLDER;

/** The environment variables that move a broker from its usual port. */
export const PORT_VARIABLES: Readonly<Record<BrokerName, string>> = { kafka: "KAFKA_PORT", rabbitmq: "RABBITMQ_PORT" };
const USUAL_PORTS: Readonly<Record<BrokerName, number>> = { kafka: 9092, rabbitmq: 5672 };
/** How many ports in a row each listens on. */
const PORTS: Readonly<Record<BrokerName, number>> = { kafka: 4, rabbitmq: 3 };

/** The port that the environment asks for. */
export function wantedPort(name: BrokerName): number {
  const value = process.env[PORT_VARIABLES[name]] || String(USUAL_PORTS[name]);
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1024 || port > 65_530) throw new BrokerUnavailable(`${PORT_VARIABLES[name]} is no port from 1024 to 65530: ${value}`);
  return port;
}

/** The broker of this clone as it was last started; undefined when it never was, or was cleaned away. */
export function usualBroker(name: BrokerName): Broker | undefined {
  const address = storedAddress(join(HOME, name));
  return address === undefined ? undefined : openBroker(address);
}

/** Starts it where it does not run yet; its data is what it had before. */
export async function startUsual(name: BrokerName): Promise<Broker> {
  const last = usualBroker(name);
  if (last?.nodes.some(({ pid }) => pid !== undefined)) {
    await last.start();
    return last;
  }
  const address: BrokerAddress = { name, home: join(HOME, name), port: wantedPort(name), nodes: 1 };
  const broker = openBroker(address);
  await broker.install();
  await expectFree(address);
  storeAddress(address);
  await broker.start();
  return broker;
}

async function expectFree({ name, port }: BrokerAddress): Promise<void> {
  for (let each = port; each < port + PORTS[name]; each++) {
    if (await isFree(each)) continue;
    const owner = portOwner(each) ?? "another program";
    throw new BrokerUnavailable(
      `port ${each} is taken by ${owner}: end that, or choose other ports by ${PORT_VARIABLES[name]} (${name} takes ${PORTS[name]} in a row)`,
    );
  }
}

/** Deletes data and logs of a broker that was stopped. */
export async function cleanUsual(name: BrokerName): Promise<void> {
  await usualBroker(name)?.kill();
  await rm(join(HOME, name), { recursive: true, force: true, maxRetries: 3 });
}

export function isBrokerName(name: string): name is BrokerName {
  return (BROKER_NAMES as readonly string[]).includes(name);
}
