import type { ServiceName } from "../contracts/index.ts";

export type ProcessName = ServiceName | "page";

/** Everything the processes of MyEvents need to know, whole and checked. */
export interface Config {
  readonly host: string;
  readonly ports: Readonly<Record<ProcessName, number>>;
  readonly dataDir: string;
  /** Each service's own database file. */
  readonly databases: Readonly<Record<ServiceName, string>>;
  readonly brokerUrl: string;
  /** Where the live page finds the services. */
  readonly serviceUrls: Readonly<Record<ServiceName, string>>;
}
