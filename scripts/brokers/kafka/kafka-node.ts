import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrokerAddress, BrokerNode } from "../broker.ts";
import { Daemon } from "../daemon.ts";
import { findProgram, runProgram } from "../programs.ts";
import { until } from "../until.ts";
import { kafkaAnswers } from "./kafka-answers.ts";
import { KAFKA_JARS } from "./kafka-jars.ts";
import { KAFKA_USERS, kafkaSettings, PORTS_PER_NODE } from "./kafka-settings.ts";

/** 16 bytes in base64url; all nodes of a cluster have the same. */
const CLUSTER = "MillraceTestCluster001";
const LOGGING = ["-Xlog:disable", "-Xlog:all=error:stderr", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"];

export class KafkaNode implements BrokerNode {
  readonly port: number;
  readonly #id: number;
  readonly #cluster: BrokerAddress;
  readonly #folder: string;
  readonly #daemon: Daemon;
  /** Java's flags about an archive of classes. */
  readonly #classes: () => readonly string[];

  constructor(id: number, cluster: BrokerAddress, classes: () => readonly string[]) {
    this.#classes = classes;
    this.#id = id;
    this.#cluster = cluster;
    this.port = cluster.port + (id - 1) * PORTS_PER_NODE;
    this.#folder = join(cluster.home, `node-${id}`);
    this.#daemon = new Daemon("kafka", this.#folder);
  }

  get pid(): number | undefined {
    return this.#daemon.pid;
  }

  async start(): Promise<void> {
    await this.launch();
    await this.ready(1);
  }

  /** Starts the process without waiting: a quorum answers only when most of its nodes are there. */
  async launch(): Promise<void> {
    if (this.pid !== undefined) return;
    const settings = this.#writeSettings();
    await this.#format(settings);
    const memory = ["-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-Djava.awt.headless=true"];
    await this.#daemon.start({
      program: findProgram("java") ?? "java",
      args: [...memory, ...this.#classes(), `-Dkafka.logs.dir=${this.#folder}`, ...LOGGING, "-cp", `${KAFKA_JARS}/*`, "kafka.Kafka", settings],
      env: process.env,
    });
  }

  /** Resolves when it answers and sees so many nodes. */
  async ready(nodes: number): Promise<void> {
    const up = await until(async () => {
      if (this.pid === undefined) throw new Error(`Kafka at port ${this.port} ended while it started:\n${this.log()}`);
      return kafkaAnswers(this.port, nodes);
    }, 60_000);
    if (!up) throw new Error(`Kafka does not answer at port ${this.port} after 60 s:\n${this.log()}`);
  }

  async stop(patienceMs = 8_000): Promise<void> {
    await this.#daemon.end("SIGTERM", patienceMs);
  }

  async kill(): Promise<void> {
    await this.#daemon.end("SIGKILL");
  }

  freeze(): void {
    this.#daemon.freeze();
  }

  thaw(): void {
    this.#daemon.thaw();
  }

  log(): string {
    return this.#daemon.log();
  }

  #writeSettings(): string {
    const { port, nodes, config } = this.#cluster;
    mkdirSync(this.#folder, { recursive: true });
    const file = join(this.#folder, "server.properties");
    writeFileSync(file, kafkaSettings({ id: this.#id, port, nodes, data: join(this.#folder, "data"), config }));
    return file;
  }

  async #format(settings: string): Promise<void> {
    const data = join(this.#folder, "data");
    if (existsSync(join(data, "meta.properties"))) return;
    rmSync(data, { recursive: true, force: true });
    const { username, password } = KAFKA_USERS.scram;
    const users = ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => ["--add-scram", `${mechanism}=[name=${username},password=${password}]`]);
    const java = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", ...this.#classes(), ...LOGGING, "-cp", `${KAFKA_JARS}/*`];
    const { code, output } = await runProgram(findProgram("java") ?? "java", [
      ...java,
      "kafka.tools.StorageTool",
      "format",
      "-t",
      CLUSTER,
      "-c",
      settings,
      ...users,
    ]);
    if (code !== 0) throw new Error(`Kafka's storage could not be formatted:\n${output}`);
  }
}
