/** The brokers that can be started from here. */
export const BROKER_NAMES = ["kafka", "rabbitmq"] as const;
export type BrokerName = (typeof BROKER_NAMES)[number];

/** All that another process has to know of a broker to reach it, to kill it and to start it again. */
export interface BrokerAddress {
  readonly name: BrokerName;
  /** The folder that holds its data, its log and its pid files. */
  readonly home: string;
  /** The first of its ports; the others follow it. */
  readonly port: number;
  readonly nodes: number;
  /** Lines added to its configuration. */
  readonly config?: string | undefined;
}

/** A process of a broker. */
export interface BrokerNode {
  readonly port: number;
  /** Undefined while it is down. */
  readonly pid: number | undefined;
  /** Resolves when it answers on its port. Does nothing where it runs already. */
  start(): Promise<void>;
  /** Ends it in an orderly way. */
  stop(): Promise<void>;
  /** SIGKILL. The data stays. */
  kill(): Promise<void>;
  /** SIGSTOP: its connections stay open and say nothing. */
  freeze(): void;
  thaw(): void;
}

/** A real broker on the loopback address, in processes of its own that outlive this one. */
export interface Broker extends BrokerNode, AsyncDisposable {
  readonly name: BrokerName;
  readonly home: string;
  /** What goes into `BROKER_URL`. */
  readonly url: string;
  readonly address: BrokerAddress;
  readonly nodes: readonly BrokerNode[];
  /** Fetches what is missing; throws `BrokerUnavailable` with the reason where that cannot be done. */
  install(): Promise<void>;
  /** `kill`, then `start`. */
  restart(): Promise<void>;
  /** Kills it and deletes all it has. */
  remove(): Promise<void>;
  /** Whether every node answers. */
  answers(): Promise<boolean>;
  /** The last lines that it logged. */
  log(): string;
}
