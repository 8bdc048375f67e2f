import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrokerAddress } from "./broker.ts";

const FILE = "address.json";

/** Leaves in a broker's folder what another process needs to find it. */
export function storeAddress(address: BrokerAddress): void {
  mkdirSync(address.home, { recursive: true });
  writeFileSync(join(address.home, FILE), JSON.stringify(address));
}

/** The addresses of the brokers in the folders inside this one. */
export function storedAddresses(folder: string): readonly BrokerAddress[] {
  return entries(folder).flatMap((name) => {
    try {
      return [JSON.parse(readFileSync(join(folder, name, FILE), "utf8")) as BrokerAddress];
    } catch {
      return [];
    }
  });
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
