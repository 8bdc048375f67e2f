import type { BrokerAdmin, Capabilities, Message, PubSub } from "../message/index.ts";
import type { OptionCheck } from "../options/index.ts";
import type { Chaos } from "./chaos-proxy.ts";

type MaybePromise<T> = T | Promise<T>;

/** How to reach one adapter, and what its test knows how to break. */
export interface ConformanceSetup {
  /** The adapter, as it is to be shown. */
  readonly name: string;
  /** What the adapter claims. Every claim must be proved by a scenario that runs. */
  readonly capabilities: Capabilities;
  /**
   * A new instance on the same broker or file: "another process". The suite closes it. Where the broker lends messages, for longer than
   * `limits.patienceMs`: what comes only because a lease is over must not look as if it had come by itself.
   */
  create(): MaybePromise<PubSub>;
  /** True when what one instance holds is invisible to the next one, as in memory: each test then has one instance. */
  readonly singleInstance?: boolean | undefined;
  /** Turns the suite's id for a topic into a name that this broker accepts. Default: the id itself. */
  topicName?(id: string): string;
  /** The questions that `admin` answers; each of them is proved. Default: none, and then there must be no `admin`. */
  readonly admin?: ReadonlyArray<keyof BrokerAdmin> | undefined;
  readonly limits?: ConformanceLimits | undefined;
  readonly lease?: ConformanceLease | undefined;
  readonly faults?: ConformanceFaults | undefined;
  /** Publishes inside a transaction of the caller's, then ends it that way. Needed for `transactionalPublish`. */
  publishInTransaction?(topic: string, messages: readonly Message[], end: "commit" | "rollback"): Promise<void>;
  /** Scenario → the reason why it is not run. It is shown as not run, never as passed. */
  readonly exclude?: Readonly<Record<string, string>> | undefined;
}

/** What this broker cannot bear. */
export interface ConformanceLimits {
  /** Default 1 MiB. */
  readonly maxPayloadBytes?: number | undefined;
  /** Most bytes of one metadata value. Default 64 kB. */
  readonly maxMetadataBytes?: number | undefined;
  /** True for a broker that may repeat a message although nothing failed (SQS standard queues). */
  readonly spontaneousDuplicates?: boolean | undefined;
  /** Messages in the scenario that measures how late a timer gets. Default 200,000. */
  readonly backlog?: number | undefined;
  /** Kills in the scenario about prefetched messages. Default 25. */
  readonly kills?: number | undefined;
  /** Longest time in milliseconds until a message is handed out to a member that waits, or that joins when another has left. Default 1,000. */
  readonly promptMs?: number | undefined;
  /** How long a scenario waits for anything that must happen, in milliseconds. Default 15,000. */
  readonly patienceMs?: number | undefined;
  /** Topic names tried beside the suite's own. Default: dots, dashes, mixed case, a long one. */
  readonly oddTopicNames?: readonly string[] | undefined;
}

/** For brokers that lend a message for a time. */
export interface ConformanceLease {
  /** The length of the lease that `create` below sets, in milliseconds: as short as the broker allows. */
  readonly leaseMs: number;
  /** As `ConformanceSetup.create`, with that short lease. */
  create(): MaybePromise<PubSub>;
}

/** What the adapter's test knows how to break. Whatever is missing shows as "not run". */
export interface ConformanceFaults {
  restartBroker?(): Promise<void>;
  /** A pub/sub whose every connection runs through a proxy that can be cut and stalled: a `ChaosProxy`, for TCP. */
  proxied?(options: ProxiedOptions): Promise<{ readonly pubsub: PubSub; readonly proxy: Chaos }>;
  /** Has the broker refuse, in an answer of its own, whatever is published to the topic from now on. The topic is there. */
  refusePublishing?(topic: string): Promise<void>;
  /** Deletes a topic with all that is in it, and what the broker keeps for the group of it. Resolves when it is gone. */
  deleteTopic?(topic: string, group: string | undefined): Promise<void>;
  /**
   * Gets in everybody's way for a moment, without breaking a connection or losing a delivery: another program locks the file for a
   * tenth of a second. Resolves when it is over. Where it is missing, connections are cut, if they are `proxied`.
   */
  disturb?(): Promise<void>;
  /** Puts bytes on the topic that the adapter's codec cannot read. */
  putUndecodable?(topic: string): Promise<void>;
  /** A program that calls `serveWorker`: a second process, to be killed, stopped and woken. */
  readonly worker?: WorkerCommand | undefined;
}

/** What a scenario needs of the pub/sub behind the proxy. */
export interface ProxiedOptions {
  /** True: with the short lease of `ConformanceSetup.lease`. */
  readonly shortLease?: boolean | undefined;
  /** The longest time that a publish may take, in milliseconds. Default: the adapter's. */
  readonly publishTimeoutMs?: number | undefined;
}

export interface WorkerCommand {
  /** Path of the module, which calls `serveWorker(create)`. */
  readonly module: string;
  /** Arguments for Node itself, such as `--conditions=…`. */
  readonly execArgv?: readonly string[] | undefined;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Adds to `check` what has a name in a setup that nothing looks for: a fault that is misspelt would pass for one that is not run. */
export function checkSetupNames(check: OptionCheck, setup: ConformanceSetup): OptionCheck {
  return check
    .known(setup, {
      name: true,
      capabilities: true,
      create: true,
      singleInstance: true,
      topicName: true,
      limits: true,
      lease: true,
      faults: true,
      publishInTransaction: true,
      admin: true,
      exclude: true,
    })
    .known(
      setup.limits,
      {
        maxPayloadBytes: true,
        maxMetadataBytes: true,
        spontaneousDuplicates: true,
        backlog: true,
        kills: true,
        promptMs: true,
        patienceMs: true,
        oddTopicNames: true,
      },
      "limits",
    )
    .known(setup.lease, { leaseMs: true, create: true }, "lease")
    .known(
      setup.faults,
      { restartBroker: true, proxied: true, refusePublishing: true, deleteTopic: true, disturb: true, putUndecodable: true, worker: true },
      "faults",
    )
    .known(setup.faults?.worker, { module: true, execArgv: true, env: true }, "faults.worker");
}
