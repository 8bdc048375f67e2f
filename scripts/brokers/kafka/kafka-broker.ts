import { rm } from "node:fs/promises";
import type { Broker, BrokerAddress } from "../broker.ts";
import { findProgram, runProgram } from "../programs.ts";
import { kafkaAnswers } from "./kafka-answers.ts";
import { prepareClasses, sharedClasses } from "./kafka-classes.ts";
import { installKafka, KAFKA_JARS } from "./kafka-jars.ts";
import { KafkaNode } from "./kafka-node.ts";
import { KAFKA_PORTS } from "./kafka-settings.ts";

/** Kafka without ZooKeeper, of one node or of three. */
export class KafkaBroker implements Broker {
  readonly name = "kafka";
  readonly address: BrokerAddress;
  readonly nodes: readonly KafkaNode[];
  readonly url: string;

  constructor(address: BrokerAddress) {
    this.address = address;
    this.nodes = Array.from({ length: address.nodes }, (_, index) => new KafkaNode(index + 1, address, sharedClasses));
    this.url = `kafka://${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  }

  get home(): string {
    return this.address.home;
  }

  get port(): number {
    return this.address.port;
  }

  /** Of the listener with users and passwords. */
  get saslPort(): number {
    return this.port + KAFKA_PORTS.sasl;
  }

  /** Of the listener that tells its clients to come to `proxyPort`: what listens there forwards to this one. */
  get proxiedPort(): number {
    return this.port + KAFKA_PORTS.proxied;
  }

  get proxyPort(): number {
    return this.port + KAFKA_PORTS.proxy;
  }

  /** Of the first node. */
  get pid(): number | undefined {
    return this.nodes[0]?.pid;
  }

  async install(): Promise<void> {
    await installKafka();
    await prepareClasses();
  }

  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.launch()));
    await Promise.all(this.nodes.map((node) => node.ready(this.nodes.length)));
  }

  /** All nodes together: one after the other, the last ones would wait for a quorum. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async kill(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.home, { recursive: true, force: true, maxRetries: 3 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  freeze(): void {
    for (const node of this.nodes) node.freeze();
  }

  thaw(): void {
    for (const node of this.nodes) node.thaw();
  }

  async answers(): Promise<boolean> {
    const answers = await Promise.all(this.nodes.map(({ port }) => kafkaAnswers(port, this.nodes.length)));
    return answers.every(Boolean);
  }

  /** Runs one of Kafka's own programs, by the name of its class. Returns what it printed. */
  async tool(main: string, args: readonly string[], input?: string): Promise<string> {
    const java = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"];
    const { code, output } = await runProgram(findProgram("java") ?? "java", [...java, "-cp", `${KAFKA_JARS}/*`, main, ...args], { input });
    if (code !== 0) throw new Error(`${main} ${args.join(" ")} ended with code ${code}:\n${output}`);
    return output;
  }

  log(): string {
    return this.nodes.map((node) => node.log()).join("\n");
  }
}
