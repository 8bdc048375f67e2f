import { mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Broker, BrokerAddress, BrokerNode } from "../broker.ts";
import { Daemon } from "../daemon.ts";
import { isListening } from "../free-ports.ts";
import { findProgram, runProgram } from "../programs.ts";
import { until } from "../until.ts";
import { rabbitmqAnswers } from "./rabbitmq-answers.ts";
import { asOwner } from "./rabbitmq-owner.ts";
import { installRabbitmq, rabbitmqProgram } from "./rabbitmq-programs.ts";
import { erlangNames, RABBITMQ_ADVANCED, RABBITMQ_PORTS, rabbitmqEnvironment, rabbitmqSettings } from "./rabbitmq-settings.ts";

/** RabbitMQ, with the directory of Erlang nodes (epmd) of its own that it registers with. */
export class RabbitmqBroker implements Broker {
  readonly name = "rabbitmq";
  readonly address: BrokerAddress;
  readonly nodes: readonly BrokerNode[] = [this];
  readonly url: string;
  readonly #server: Daemon;
  readonly #epmd: Daemon;

  constructor(address: BrokerAddress) {
    if (address.nodes !== 1) throw new RangeError("RabbitMQ is started with one node only");
    this.address = address;
    this.url = `amqp://guest:guest@127.0.0.1:${address.port}`;
    this.#server = new Daemon("rabbitmq", address.home);
    this.#epmd = new Daemon("epmd", address.home);
  }

  get home(): string {
    return this.address.home;
  }

  get port(): number {
    return this.address.port;
  }

  get pid(): number | undefined {
    return this.#server.pid;
  }

  async install(): Promise<void> {
    await installRabbitmq();
  }

  async start(): Promise<void> {
    if (this.pid === undefined) await this.#launch();
    const up = await until(async () => {
      if (this.pid === undefined) throw new Error(`RabbitMQ at port ${this.port} ended while it started:\n${this.log()}`);
      return this.answers();
    }, 60_000);
    if (!up) throw new Error(`RabbitMQ does not answer at port ${this.port} after 60 s:\n${this.log()}`);
  }

  async stop(): Promise<void> {
    await this.#server.end("SIGTERM");
    await this.#epmd.end("SIGKILL");
  }

  async kill(): Promise<void> {
    await this.#server.end("SIGKILL");
    await this.#epmd.end("SIGKILL");
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
    this.#server.freeze();
  }

  thaw(): void {
    this.#server.thaw();
  }

  async answers(): Promise<boolean> {
    return rabbitmqAnswers(this.port);
  }

  log(): string {
    return this.#server.log();
  }

  /** Runs `rabbitmqctl` on this node: `control("add_user", "limited", "secret")`. Returns what it printed. */
  async control(...args: readonly string[]): Promise<string> {
    const { home } = this;
    const env = rabbitmqEnvironment(home, this.port);
    const command = asOwner(home, { program: rabbitmqProgram("rabbitmqctl") ?? "rabbitmqctl", args: ["--quiet", ...args], env, cwd: home });
    const { code, output } = await runProgram(command.program, command.args, { env, cwd: home });
    if (code !== 0) throw new Error(`rabbitmqctl ${args.join(" ")} ended with code ${code}:\n${output}`);
    return output;
  }

  async #launch(): Promise<void> {
    const { home, port } = this;
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "rabbitmq.conf"), rabbitmqSettings(port, this.address.config));
    writeFileSync(join(home, "enabled_plugins"), "[].\n");
    writeFileSync(join(home, "advanced.config"), RABBITMQ_ADVANCED);
    writeFileSync(join(home, "inetrc"), erlangNames(hostname()));
    const env = rabbitmqEnvironment(home, port);
    const epmdPort = port + RABBITMQ_PORTS.epmd;
    if (this.#epmd.pid === undefined) {
      await this.#epmd.start(
        asOwner(home, { program: findProgram("epmd") ?? "epmd", args: ["-port", String(epmdPort), "-address", "127.0.0.1"], env, cwd: home }),
      );
      if (!(await until(() => isListening(epmdPort), 30_000))) throw new Error(`epmd does not listen on port ${epmdPort}:\n${this.#epmd.log()}`);
    }
    await this.#server.start(asOwner(home, { program: rabbitmqProgram("rabbitmq-server") ?? "rabbitmq-server", args: [], env, cwd: home }));
  }
}
