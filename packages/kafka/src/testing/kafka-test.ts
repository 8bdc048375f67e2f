import { it, type TestContext } from "vitest";
import { type KafkaBroker, ownBroker, sharedBroker } from "../../../../test/brokers/index.ts";
import { KafkaPubSub, type KafkaPubSubOptions } from "../pub-sub.ts";
import { testOptions } from "./test-options.ts";

let count = 0;

/** What a test on a real Kafka is given. Everything it opens is closed at its end. */
export class KafkaWorld {
  readonly broker: KafkaBroker;
  readonly #context: TestContext;
  /** A name of this test's own, for topics and groups. */
  readonly name: string;

  constructor(broker: KafkaBroker, context: TestContext) {
    this.broker = broker;
    this.#context = context;
    this.name = `t${process.pid}-${Date.now().toString(36)}-${count++}`;
  }

  get options(): KafkaPubSubOptions {
    return testOptions(this.broker.url);
  }

  open(options: Partial<KafkaPubSubOptions> = {}): KafkaPubSub {
    return this.use(new KafkaPubSub({ ...this.options, ...options }));
  }

  use<T extends { close(): Promise<void> }>(resource: T): T {
    this.#context.onTestFinished(() => resource.close().catch(() => {}));
    return resource;
  }

  onFinished(clean: () => Promise<void> | void): void {
    this.#context.onTestFinished(() => clean());
  }
}

/** A test on the Kafka that all tests of the run share. */
export function kafkaTest(title: string, run: (world: KafkaWorld) => Promise<void>): void {
  it(title, async (context) => {
    const broker = sharedBroker("kafka");
    if ("notRun" in broker) context.skip(broker.notRun);
    else await run(new KafkaWorld(broker, context));
  });
}

/** A test on a Kafka of its own, to be killed and frozen. */
export function ownKafkaTest(title: string, run: (world: KafkaWorld) => Promise<void>, options: Parameters<typeof ownBroker>[1] = {}): void {
  it(title, { timeout: 120_000 }, async (context) => {
    const broker = await ownBroker("kafka", options);
    if ("notRun" in broker) return context.skip(broker.notRun);
    context.onTestFinished(() => broker.remove());
    await run(new KafkaWorld(broker, context));
  });
}
