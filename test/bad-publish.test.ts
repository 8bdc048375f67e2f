import { PassThrough } from "node:stream";
import * as kafka from "@millrace/kafka";
import * as rabbitmq from "@millrace/rabbitmq";
import * as sql from "@millrace/sql";
import { MemoryPubSub, Message, OptionError, type Publisher, transformPublisher } from "millrace";
import { DelayingPublisher } from "millrace/delay";
import { ForwardingPublisher } from "millrace/forwarder";
import { IoPublisher } from "millrace/io";
import { deduplicatePublisher } from "millrace/middleware";
import { harness } from "millrace/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { ToyPubSub } from "../examples/sample-adapter/src/index.ts";
import { ToyBroker } from "../examples/sample-adapter/src/toy-broker.ts";

const broker = { url: "kafka://127.0.0.1:1" };
const node = { url: "amqp://127.0.0.1:1" };
const file = sql.sqlite({ path: "no-such-file.db" });

/** Takes whatever it is given. */
const careless = { publish: async () => {}, close: async () => {}, [Symbol.asyncDispose]: async () => {} };

const PUBLISHERS: Readonly<Record<string, () => Publisher>> = {
  MemoryPubSub: () => new MemoryPubSub(),
  KafkaPubSub: () => new kafka.KafkaPubSub(broker),
  KafkaPublisher: () => new kafka.KafkaPublisher(broker),
  RabbitMqPubSub: () => new rabbitmq.RabbitMqPubSub(node),
  RabbitMqPublisher: () => new rabbitmq.RabbitMqPublisher(node),
  SqlPubSub: () => new sql.SqlPubSub({ dialect: file }),
  SqlPublisher: () => new sql.SqlPublisher({ dialect: file }),
  TransactionPublisher: () => new sql.SqlPubSub({ dialect: file }).within({}),
  IoPublisher: () => new IoPublisher({ output: new PassThrough() }),
  DelayingPublisher: () => new DelayingPublisher({ publisher: careless, store: new MemoryPubSub({ persistent: true }) }),
  ForwardingPublisher: () => new ForwardingPublisher({ publisher: careless }),
  transformPublisher: () => transformPublisher(() => {})(careless),
  deduplicatePublisher: () => deduplicatePublisher()(careless),
  harness: () => {
    const app = harness();
    onTestFinished(() => app[Symbol.asyncDispose]());
    return app.pubsub;
  },
  "the sample adapter": () => new ToyPubSub({ broker: new ToyBroker() }),
};

const message = new Message("m");
const BAD: Readonly<Record<string, readonly [topic: unknown, messages: unknown, options?: unknown]>> = {
  "no topic": [undefined, message],
  "an empty topic": ["", message],
  "no message": ["t", undefined],
  "null for a message": ["t", null],
  "a text for a message": ["t", "m"],
  "a list with a hole": ["t", [message, undefined]],
  "null for options": ["t", message, null],
  "a text for options": ["t", message, "x"],
  "an object for a signal": ["t", message, { signal: {} }],
};

describe.each(Object.entries(PUBLISHERS))("publish of %s", (_name, make) => {
  it.each(Object.entries(BAD))("rejects %s with an OptionError, and never throws at once", async (_what, args) => {
    const publisher = make();
    let answer: unknown;
    expect(() => {
      answer = (publisher.publish as (...given: readonly unknown[]) => unknown).call(publisher, ...args);
    }).not.toThrow();
    await expect(answer).rejects.toBeInstanceOf(OptionError);
    await publisher.close().catch(() => {});
  });
});
