import { type Channel, connect } from "amqplib";
import { onTestFinished, type TestContext } from "vitest";
import { type NotRun, ownBroker, type RabbitmqBroker, type TestBroker } from "../../../../test/brokers/index.ts";
import type { RabbitMqPubSubOptions } from "../options.ts";
import { RabbitMqPubSub } from "../pub-sub.ts";
import { testOptions } from "./test-options.ts";

/** The broker, or the test is shown as not run. */
export function present(context: TestContext, broker: TestBroker | NotRun): RabbitmqBroker {
  if ("notRun" in broker) return context.skip(broker.notRun);
  return broker as RabbitmqBroker;
}

/** A broker of the test's own, removed at its end. */
export async function ownRabbitmq(context: TestContext, config?: string): Promise<RabbitmqBroker> {
  const broker = present(context, await ownBroker("rabbitmq", { config }));
  onTestFinished(() => broker.remove());
  return broker;
}

/** A pub/sub that is closed when the test ends. */
export function openBus(url: string, options: Partial<RabbitMqPubSubOptions> = {}): RabbitMqPubSub {
  const bus = new RabbitMqPubSub({ ...testOptions(url), ...options });
  onTestFinished(() => bus.close().catch(() => {}));
  return bus;
}

/** A bare channel, to look and to break. */
export async function bareChannel(url: string): Promise<Channel> {
  const connection = await connect(url);
  connection.on("error", () => {});
  onTestFinished(() => connection.close().catch(() => {}));
  const channel = await connection.createChannel();
  channel.on("error", () => {});
  return channel;
}

let count = 0;

/** A name that no other test has. */
export function fresh(name: string): string {
  return `${name}-${process.pid}-${globalThis.performance.timeOrigin.toString(36)}-${++count}`;
}
