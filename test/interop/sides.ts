import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KafkaPubSub } from "@millrace/kafka";
import { RabbitMqPubSub, topicExchangeTopology } from "@millrace/rabbitmq";
import { SqlPubSub, sqlite } from "@millrace/sql";
import type { PubSub, SubscribeOptions } from "millrace";
import type { TestContext } from "vitest";
import { type NotRun, sharedBroker, type TestBroker } from "../brokers/index.ts";

export interface Provisioning extends PubSub {
  provision(topic: string, options: Pick<SubscribeOptions, "group" | "from">): Promise<void>;
}

/** A broker that both languages speak to, in one of the ways that both have. */
export interface Side {
  readonly title: string;
  /** What the Go program calls it. */
  readonly kind: string;
  readonly url: (context: TestContext) => string;
  /** `name` is that of the test, with which its topics begin. */
  readonly open: (url: string, name: string) => Provisioning;
  /** Topics are words, and who subscribes gives a pattern of them. */
  readonly patterns?: true;
}

const running = (context: TestContext, broker: TestBroker | NotRun): string => ("notRun" in broker ? context.skip(broker.notRun) : broker.url);
const kafkaUrl = (context: TestContext): string => running(context, sharedBroker("kafka"));
const rabbitmqUrl = (context: TestContext): string => running(context, sharedBroker("rabbitmq"));
const sqliteUrl = (context: TestContext): string => `sqlite:${join(temporaryFolder(context), "log.db")}`;

export const KAFKA: Side = { title: "Kafka", kind: "kafka", url: kafkaUrl, open: (url) => new KafkaPubSub({ url, partitioner: "sarama" }) };

/** Watermill has two modules for SQLite, of one design with the same tables; this is the one on zombiezen.com/go/sqlite. */
export const SQLITE: Side = {
  title: "SQLite",
  kind: "sqlite",
  url: sqliteUrl,
  open: (url) => new SqlPubSub({ dialect: sqlite({ path: url.slice("sqlite:".length) }) }),
};

export const RABBITMQ: Side = {
  title: "a durable pub/sub of RabbitMQ",
  kind: "amqp-pubsub",
  url: rabbitmqUrl,
  open: (url) => new RabbitMqPubSub({ url, topology: "pubsub" }),
};

export const SIDES: readonly Side[] = [
  KAFKA,
  SQLITE,
  { title: "a durable queue of RabbitMQ", kind: "amqp-queue", url: rabbitmqUrl, open: (url) => new RabbitMqPubSub({ url, topology: "queue" }) },
  RABBITMQ,
  {
    title: "a topic exchange of RabbitMQ as Watermill has it, durable in its queues alone",
    kind: "amqp-topic",
    url: rabbitmqUrl,
    open: (url, exchange) => new RabbitMqPubSub({ url, topology: topicExchangeTopology({ exchange, exchangeDurable: false }) }),
    patterns: true,
  },
  {
    title: "a durable topic exchange of RabbitMQ",
    kind: "amqp-topic-durable",
    url: rabbitmqUrl,
    open: (url, exchange) => new RabbitMqPubSub({ url, topology: topicExchangeTopology({ exchange }) }),
    patterns: true,
  },
];

export interface OpenedSide {
  readonly url: string;
  /** The side in TypeScript, closed at the end of the test. */
  readonly bus: Provisioning;
  readonly topic: string;
  /** What to subscribe to for the messages of the topic. */
  readonly source: string;
}

/** A new topic of a side. */
export function opened(context: TestContext, { url: urlOf, open, patterns }: Side): OpenedSide {
  const url = urlOf(context);
  const name = `interop-${randomUUID()}`;
  const bus = open(url, name);
  context.onTestFinished(() => bus.close());
  return { url, bus, topic: patterns ? `${name}.order.placed` : name, source: patterns ? `${name}.order.*` : name };
}

export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-interop-"));
  context.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
