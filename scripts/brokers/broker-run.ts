import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrokerAddress, BrokerName } from "./broker.ts";
import { BROKERS_FOLDER } from "./brokers-folder.ts";
import { freePorts } from "./free-ports.ts";
import { openBroker } from "./open-broker.ts";
import { processIdentity } from "./process-identity.ts";
import { storeAddress, storedAddresses } from "./stored-address.ts";

const RUNS = join(BROKERS_FOLDER, "runs");
const KEEPER = fileURLToPath(new URL("keeper.ts", import.meta.url));
const PORTS_PER_NODE = 10;

export interface NewBroker {
  readonly nodes?: 1 | 3 | undefined;
  /** Lines for `server.properties` or `rabbitmq.conf`. */
  readonly config?: string | undefined;
}

/**
 * The brokers of a run of tests, each in a folder of its own inside one folder.
 * They do not outlive the run, however it ends: a keeper process sees that it is gone, and clears up.
 */
export class BrokerRun {
  readonly folder: string;
  readonly #keeper: ChildProcess;

  constructor() {
    mkdirSync(RUNS, { recursive: true });
    // The name says whose run it is, so that a later one can clear up where even the keeper was killed.
    this.folder = mkdtempSync(join(RUNS, `${process.pid}-${processIdentity(process.pid)}-`));
    this.#keeper = spawn(process.execPath, ["--conditions=millrace:source", KEEPER, this.folder], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.#keeper.unref();
    (this.#keeper.stdin as unknown as { unref(): void }).unref();
  }

  /** Stops and removes all of it. */
  async end(): Promise<void> {
    await clearRun(this.folder);
    this.#keeper.stdin?.end();
  }
}

/** A place for a new broker in the folder of a run, on free ports that stay reserved as long as this process lives. */
export async function placeBroker(folder: string, name: BrokerName, { nodes = 1, config }: NewBroker = {}): Promise<BrokerAddress> {
  const ports = await freePorts((nodes - 1) * PORTS_PER_NODE + 5);
  const address: BrokerAddress = { name, home: join(folder, `${name}-${ports.first}`), port: ports.first, nodes, config };
  storeAddress(address);
  return address;
}

/** Kills the brokers of a run and removes what they left. */
export async function clearRun(folder: string): Promise<void> {
  await Promise.all(storedAddresses(folder).map((address) => openBroker(address).kill()));
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Clears up after runs that were killed together with their keeper. */
export async function clearDeadRuns(): Promise<void> {
  mkdirSync(RUNS, { recursive: true });
  const dead = readdirSync(RUNS).filter((run) => {
    const [pid, began] = run.split("-");
    return processIdentity(Number(pid)) !== began;
  });
  await Promise.all(dead.map((run) => clearRun(join(RUNS, run))));
}
