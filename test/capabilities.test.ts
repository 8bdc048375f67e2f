import { PassThrough } from "node:stream";
import * as kafka from "@millrace/kafka";
import * as rabbitmq from "@millrace/rabbitmq";
import * as sql from "@millrace/sql";
import {
  type BrokerAdmin,
  type Capabilities,
  MemoryPubSub,
  memoryCapabilities,
  type Publisher,
  persistentMemoryCapabilities,
  type Subscriber,
  transformPublisher,
  transformSubscriber,
} from "millrace";
import { PublisherShell, PubSubShell, SubscriberShell } from "millrace/adapter";
import { DelayingPublisher } from "millrace/delay";
import { FanOut } from "millrace/fan-out";
import { ForwardingPublisher } from "millrace/forwarder";
import { IoPublisher, IoSubscriber, lossless } from "millrace/io";
import { deduplicatePublisher } from "millrace/middleware";
import { harness } from "millrace/testing";
import { describe, expect, it } from "vitest";
import { ToyPubSub, capabilities as toyCapabilities } from "../examples/sample-adapter/src/index.ts";
import { ToyBroker } from "../examples/sample-adapter/src/toy-broker.ts";
import { packages } from "../scripts/workspace.ts";

type End = Pick<Publisher, "capabilities"> & Pick<Subscriber, "capabilities">;
type Row = readonly [make: () => End, expected: Capabilities | undefined];

const broker = { url: "kafka://localhost:9092" };
const node = { url: "amqp://localhost" };
const file = sql.sqlite({ path: "no-such-file.db" });
const gone = sql.sqlite({ path: ":memory:" });
const own = sql.sqlite({ database: { exec: () => {}, prepare: () => ({}) as never, close: () => {} } });
const inMemory = { ...sql.capabilities, durable: false, attemptsSurviveCrash: false, transactionalPublish: false };
const io = {
  durable: false,
  replay: false,
  consumerGroups: false,
  groupless: true,
  ordering: "one-member",
  keys: false,
  nativeDelay: false,
  redelivers: true,
  attemptsSurviveCrash: false,
  transactionalPublish: false,
  deduplicatesPublish: false,
  maxPublishDelayMs: 0,
  maxHandlingMs: Infinity,
  stability: "beta",
} as const;
const ofBranches = { replay: false, consumerGroups: true, groupless: true, ordering: "one-member", nativeDelay: false, redelivers: true } as const;

function publisherShell(): PublisherShell {
  return new PublisherShell({ capabilities: toyCapabilities, calls: new MemoryPubSub() });
}

function subscriberShell(): SubscriberShell {
  return new SubscriberShell("X", { capabilities: toyCapabilities, reading: () => ({}) as never, provision: () => {}, close: () => {} });
}

/** Every publisher, subscriber and pub/sub that a package exports, with the options that change what it promises. */
const ENDS: Readonly<Record<string, readonly Row[]>> = {
  PublisherShell: [[() => publisherShell(), toyCapabilities]],
  SubscriberShell: [[() => subscriberShell(), toyCapabilities]],
  PubSubShell: [[() => new PubSubShell({ capabilities: toyCapabilities, publisher: publisherShell(), subscriber: subscriberShell() }), toyCapabilities]],
  MemoryPubSub: [
    [() => new MemoryPubSub(), memoryCapabilities],
    [() => new MemoryPubSub({ persistent: true }), persistentMemoryCapabilities],
  ],
  KafkaPubSub: [
    [() => new kafka.KafkaPubSub(broker), kafka.capabilities],
    [() => new kafka.KafkaPubSub({ ...broker, acks: "leader", idempotent: false }), { ...kafka.capabilities, durable: false }],
  ],
  KafkaPublisher: [
    [() => new kafka.KafkaPublisher(broker), kafka.capabilities],
    [() => new kafka.KafkaPublisher({ ...broker, acks: "leader" }), { ...kafka.capabilities, durable: false }],
  ],
  KafkaSubscriber: [[() => new kafka.KafkaSubscriber(broker), kafka.capabilities]],
  RabbitMqPubSub: [
    [() => new rabbitmq.RabbitMqPubSub(node), rabbitmq.capabilities],
    [() => new rabbitmq.RabbitMqPubSub({ ...node, topology: "queue" }), { ...rabbitmq.capabilities, groupless: false }],
    [() => new rabbitmq.RabbitMqPubSub({ ...node, topology: rabbitmq.pubSubTopology({ durable: false }) }), { ...rabbitmq.capabilities, durable: false }],
    [() => new rabbitmq.RabbitMqPubSub({ ...node, delay: "here" }), { ...rabbitmq.capabilities, nativeDelay: false }],
    [() => new rabbitmq.RabbitMqPubSub({ ...node, queue: { consumerTimeoutMs: 60_000 } }), { ...rabbitmq.capabilities, maxHandlingMs: 60_000 }],
  ],
  RabbitMqPublisher: [[() => new rabbitmq.RabbitMqPublisher(node), rabbitmq.capabilities]],
  RabbitMqSubscriber: [
    [() => new rabbitmq.RabbitMqSubscriber(node), rabbitmq.capabilities],
    [() => new rabbitmq.RabbitMqSubscriber({ ...node, topology: "queue" }), { ...rabbitmq.capabilities, groupless: false }],
  ],
  SqlPubSub: [
    [() => new sql.SqlPubSub({ dialect: file }), sql.capabilities],
    [() => new sql.SqlPubSub({ dialect: own }), sql.capabilities],
    [() => new sql.SqlPubSub({ dialect: gone }), inMemory],
    [() => sql.fromUrl("sqlite::memory:"), inMemory],
  ],
  SqlPublisher: [[() => new sql.SqlPublisher({ dialect: file }), sql.capabilities]],
  SqlSubscriber: [[() => new sql.SqlSubscriber({ dialect: gone }), inMemory]],
  TransactionPublisher: [[() => new sql.SqlPubSub({ dialect: own }).within({}), sql.capabilities]],
  IoPublisher: [
    [() => new IoPublisher({ output: new PassThrough() }), io],
    [() => new IoPublisher({ file: "x", marshaler: lossless }), { ...io, replay: true, keys: true }],
    [() => new IoPublisher({ file: "x", sync: true }), { ...io, replay: true, durable: true }],
  ],
  IoSubscriber: [
    [() => new IoSubscriber({ input: new PassThrough(), marshaler: lossless }), { ...io, keys: true }],
    [() => new IoSubscriber({ file: "x" }), { ...io, replay: true, durable: true }],
  ],
  DelayingPublisher: [
    [
      () => new DelayingPublisher({ publisher: new kafka.KafkaPublisher(broker), store: new sql.SqlPubSub({ dialect: file }) }),
      { ...kafka.capabilities, maxPublishDelayMs: Infinity },
    ],
    [
      () => new DelayingPublisher({ publisher: new kafka.KafkaPublisher(broker), store: new MemoryPubSub() }),
      { ...kafka.capabilities, durable: false, maxPublishDelayMs: Infinity },
    ],
    [() => new DelayingPublisher({ publisher: unknown, store: new MemoryPubSub() }), undefined],
  ],
  ForwardingPublisher: [
    [() => new ForwardingPublisher({ publisher: new sql.SqlPublisher({ dialect: file }) }), sql.capabilities],
    [() => new ForwardingPublisher({ publisher: unknown }), undefined],
  ],
  FanOut: [
    [() => new FanOut({ subscriber: new kafka.KafkaSubscriber(broker) }), { ...kafka.capabilities, ...ofBranches, attemptsSurviveCrash: false }],
    [() => new FanOut({ subscriber: unknown }), undefined],
  ],
};

/** A publisher and subscriber of a foreign adapter that says nothing of itself. */
const unknown: Publisher & Subscriber = {
  publish: async () => {},
  subscribe: () => Promise.reject(new Error("never")),
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
};
const admin: BrokerAdmin = { topics: async () => ["t"] };

describe("the capabilities of every publisher and subscriber", () => {
  const rows = Object.entries(ENDS).flatMap(([name, list]) => list.map(([make, expected]) => ({ name, make, expected })));

  it.each(rows)("are those of its broker and options: $name", ({ make, expected }) => {
    expect(make().capabilities).toEqual(expected);
  });

  it("are there on every class that a package exports", async () => {
    const classes = new Set<string>();
    for (const subpath of packages().flatMap(({ entries }) => [...entries.keys()])) {
      for (const [name, value] of Object.entries((await import(subpath)) as object)) {
        const { prototype } = value as { prototype?: Partial<Publisher & Subscriber> };
        // What has no end of its own (the publish queue of the adapter layer) is a part of a publisher, and none.
        const ends = prototype?.close !== undefined && prototype[Symbol.asyncDispose] !== undefined;
        if (ends && (prototype.publish ?? prototype.subscribe) !== undefined) classes.add(name);
      }
    }
    expect([...classes].sort()).toEqual(Object.keys(ENDS).sort());
  });

  it("are shown by the sample that authors copy", () => {
    expect(new ToyPubSub({ broker: new ToyBroker() }).capabilities).toBe(toyCapabilities);
  });
});

describe("a decorator", () => {
  it("of a publisher has the capabilities of what it decorates", () => {
    for (const decorate of [transformPublisher(() => {}), deduplicatePublisher()]) {
      expect(decorate(new kafka.KafkaPublisher(broker)).capabilities).toBe(kafka.capabilities);
      expect(decorate(decorate(new MemoryPubSub())).capabilities).toBe(memoryCapabilities);
      expect(decorate(unknown).capabilities).toBeUndefined();
    }
  });

  it("of a subscriber has the capabilities and the admin of what it decorates, as they are at the time", () => {
    const decorate = transformSubscriber(() => {});
    const changing = { ...unknown, capabilities: memoryCapabilities, admin: undefined as BrokerAdmin | undefined };
    for (const provision of [undefined, async () => {}]) {
      const decorated = decorate(decorate(Object.assign(changing, provision === undefined ? {} : { provision })));
      changing.admin = undefined;
      expect([decorated.capabilities, decorated.admin, decorated.provision === undefined]).toEqual([memoryCapabilities, undefined, provision === undefined]);
      changing.admin = admin;
      expect(decorated.admin).toBe(admin);
    }
    expect([decorate(unknown).capabilities, decorate(unknown).admin]).toEqual([undefined, undefined]);
  });

  it("that a harness is has those of the memory behind it", async () => {
    for (const persistent of [false, true]) {
      await using app = harness({ persistent });
      const plain = new MemoryPubSub({ persistent });
      expect(app.pubsub.capabilities).toBe(plain.capabilities);
      expect(Object.keys(app.pubsub.admin ?? {})).toEqual(Object.keys((plain as Subscriber).admin ?? {}));
    }
  });
});
