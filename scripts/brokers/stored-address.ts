import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrokerAddress } from "./broker.ts";

const FILE = "address.json";

/** Leaves in a broker's folder what another process needs to find it. */
export function storeAddress(address: BrokerAddress): void {
  mkdirSync(address.home, { recursive: true });
  writeFileSync(join(address.home, FILE), JSON.stringify(address));
}

/** The address of the broker that has this folder; undefined when none has. */
export function storedAddress(home: string): BrokerAddress | undefined {
  try {
    return JSON.parse(readFileSync(join(home, FILE), "utf8")) as BrokerAddress;
  } catch {
    return undefined;
  }
}

/** The addresses of the brokers in the folders inside this one. */
export function storedAddresses(folder: string): readonly BrokerAddress[] {
  const homes = existsSync(folder) ? readdirSync(folder) : [];
  return homes.map((name) => storedAddress(join(folder, name))).filter((address) => address !== undefined);
}
