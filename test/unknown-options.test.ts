import { PassThrough } from "node:stream";
import * as kafka from "@millrace/kafka";
import * as rabbitmq from "@millrace/rabbitmq";
import * as sql from "@millrace/sql";
import { connect, consoleLogger, defineEvent, MemoryPubSub, Message, OptionError, Router, readMessages, readUntil, transformSubscriber } from "millrace";
import { AdapterSubscription, PublishCalls, PublishQueue, PullSource, parseBrokerUrl, readBrokerUrl, type Source } from "millrace/adapter";
import { ChaosProxy, conformance, Probe, WorkerProcess } from "millrace/conformance";
import { DelayingPublisher } from "millrace/delay";
import { FanIn } from "millrace/fan-in";
import { FanOut } from "millrace/fan-out";
import { Forwarder, ForwardingPublisher } from "millrace/forwarder";
import { IoPublisher, IoSubscriber, lengthPrefixed, lines } from "millrace/io";
import {
  circuitBreaker,
  correlationId,
  deduplicatePublisher,
  deduplicator,
  delayOnError,
  MemoryDeduplicationRepository,
  poisonQueue,
  retry,
  throttle,
} from "millrace/middleware";
import { signals } from "millrace/plugins";
import { Faults, harness, received } from "millrace/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { packages } from "../scripts/workspace.ts";

const never = (): never => {
  throw new Error("not called");
};

type Options = Record<string, unknown>;
/** How to call it with these options, and options that it takes. */
type Call = readonly [make: (options: never) => unknown, valid: Options];

const bus = new MemoryPubSub();
const dialect = sql.sqlite({ path: ":memory:" });
const schema = z.object({ id: z.string() });
const subscription = await bus.subscribe("t");
const broker = { url: "kafka://localhost:9092" };
const node = { url: "amqp://localhost" };
const target = { publisher: bus, topic: "dead" };
const runner = { describe: () => {}, it: () => {} };
const setup = { name: "x", capabilities: bus.capabilities, create: () => bus };
const add = { name: "h", subscribe: "t", handle: () => {} };
const routerOn = (): Router => new Router({ subscriber: bus, publisher: bus });
const source: Source<undefined> = { open: () => ({ want: () => {}, settle: () => {}, giveBack: () => {}, close: () => {} }) };
const way = { encode: () => "", bytesOf: () => 0, begin: () => {}, connect: () => {}, send: () => {}, disconnect: () => {} };
const pull = { connect: () => {}, disconnect: () => {}, want: () => {}, settle: () => {}, release: () => {}, receive: () => never(), raw: () => never() };
const hand = { topic: "t", options: {}, settings: { adapter: "x" }, source };

/** Every constructor and factory with options, by the export, and once more for each option that has options of its own. */
const CALLS: Readonly<Record<string, readonly Call[]>> = {
  "@millrace/kafka KafkaPubSub": [
    [(options) => new kafka.KafkaPubSub(options), broker],
    [(sasl) => new kafka.KafkaPubSub({ ...broker, sasl }), { mechanism: "PLAIN" }],
    [(topics) => new kafka.KafkaPubSub({ ...broker, topics }), { partitions: 3 }],
  ],
  "@millrace/kafka KafkaPublisher": [
    [(options) => new kafka.KafkaPublisher(options), broker],
    [(topics) => new kafka.KafkaPublisher({ ...broker, topics }), { partitions: 3 }],
  ],
  "@millrace/kafka KafkaSubscriber": [
    [(options) => new kafka.KafkaSubscriber(options), broker],
    [(topics) => new kafka.KafkaSubscriber({ ...broker, topics }), { partitions: 3 }],
  ],
  "@millrace/kafka KafkaTransactor": [[(options) => new kafka.KafkaTransactor(options), { ...broker, transactionalId: "x" }]],
  "@millrace/kafka fromUrl": [[(options) => kafka.fromUrl(broker.url, options), { clientId: "x" }]],
  "@millrace/kafka watermillCodec": [[(options) => kafka.watermillCodec(options), { key: () => "k" }]],
  "millrace MemoryPubSub": [[(options) => new MemoryPubSub(options), { persistent: true }]],
  "millrace Router": [
    [(options) => new Router(options), { subscriber: bus }],
    [(failure) => new Router({ failure }), { attempts: 3 }],
    [(deadLetter) => new Router({ failure: { deadLetter } }), target],
    [(options) => routerOn().addConsumerHandler(options), add],
    [(options) => routerOn().addHandler(options), { ...add, publish: "out", pipeline: 0 }],
    [(options) => routerOn().addBatchHandler(options), { ...add, size: 2, maxWaitMs: 1 }],
    [(subscribe) => routerOn().addConsumerHandler({ ...add, subscribe }), { subscriber: bus, topic: "t" }],
    [(publish) => routerOn().addHandler({ ...add, publish }), { publisher: bus, topic: "out" }],
    [(failure) => routerOn().addConsumerHandler({ ...add, failure }), { attempts: 3 }],
    [(deadLetter) => routerOn().addConsumerHandler({ ...add, failure: { deadLetter } }), target],
  ],
  "millrace connect": [[(options) => connect("memory:", {}, options), { logger: undefined }]],
  "millrace consoleLogger": [[(options) => consoleLogger(options), { level: "warn" }]],
  "millrace defineEvent": [[(options) => defineEvent("e", options), { schema }]],
  "millrace readMessages": [[(options) => readMessages(subscription, options), { count: 0 }]],
  "millrace readUntil": [[(options) => readUntil(subscription, () => true, options), { idleMs: 1 }]],
  "millrace/adapter parseBrokerUrl": [[(rules) => parseBrokerUrl("kafka://h", rules), { schemes: { kafka: 1 }, example: "kafka://h" }]],
  "millrace/adapter readBrokerUrl": [[(rules) => readBrokerUrl("x", "kafka://h", rules), { schemes: { kafka: 1 }, example: "kafka://h" }]],
  "millrace/adapter AdapterSubscription": [
    [(options) => new AdapterSubscription(options), hand],
    [(settings) => new AdapterSubscription({ ...hand, settings }), { adapter: "x" }],
  ],
  "millrace/adapter PublishCalls": [[(rules) => new PublishCalls(rules, way, way), { subject: "X", adapter: "x", otherCode: "X", timeoutMs: 1 }]],
  "millrace/adapter PublishQueue": [[(rules) => new PublishQueue(rules, way), { subject: "X", adapter: "x", otherCode: "X", timeoutMs: 1 }]],
  "millrace/adapter PullSource": [[(rules) => new PullSource(pull, rules), { pollMs: 1 }]],
  "millrace/middleware MemoryDeduplicationRepository": [[(options) => new MemoryDeduplicationRepository(options), { windowMs: 1 }]],
  "millrace/middleware circuitBreaker": [[(options) => circuitBreaker(options), { timeoutMs: 1 }]],
  "millrace/middleware correlationId": [[(options) => correlationId(options), { generate: true }]],
  "millrace/middleware deduplicatePublisher": [[(options) => deduplicatePublisher(options), { key: () => "k" }]],
  "millrace/middleware deduplicator": [[(options) => deduplicator(options), { key: () => "k" }]],
  "millrace/middleware delayOnError": [[(options) => delayOnError(options), { nack: true }]],
  "millrace/middleware poisonQueue": [[(options) => poisonQueue(options), target]],
  "millrace/middleware retry": [[(options) => retry(options), { maxRetries: 3 }]],
  "millrace/middleware throttle": [[(options) => throttle(options), { count: 1 }]],
  "millrace/plugins signals": [[(options) => signals(options), { timeoutMs: 1 }]],
  "millrace/io IoPublisher": [[(options) => new IoPublisher(options), { output: new PassThrough() }]],
  "millrace/io IoSubscriber": [[(options) => new IoSubscriber(options), { input: new PassThrough() }]],
  "millrace/io lengthPrefixed": [[(options) => lengthPrefixed(options), { bytes: 2 }]],
  "millrace/io lines": [[(options) => lines(options), { crlf: true }]],
  "millrace/forwarder Forwarder": [
    [(options) => new Forwarder(options), { subscriber: bus, publisher: bus }],
    [(deadLetter) => new Forwarder({ subscriber: bus, publisher: bus, deadLetter }), target],
    [(failure) => new Forwarder({ subscriber: bus, publisher: bus, failure }), { attempts: 3 }],
  ],
  "millrace/delay DelayingPublisher": [[(options) => new DelayingPublisher(options), { publisher: bus, store: bus }]],
  "millrace/forwarder ForwardingPublisher": [[(options) => new ForwardingPublisher(options), { publisher: bus }]],
  "millrace/fan-in FanIn": [
    [(options) => new FanIn(options), { subscriber: bus, publisher: bus, sources: ["a"], target: "b" }],
    [(failure) => new FanIn({ subscriber: bus, publisher: bus, sources: ["a"], target: "b", failure }), { attempts: 3 }],
    [(deadLetter) => new FanIn({ subscriber: bus, publisher: bus, sources: ["a"], target: "b", failure: { deadLetter } }), target],
  ],
  "millrace/fan-out FanOut": [[(options) => new FanOut(options), { subscriber: bus }]],
  "millrace/testing Faults": [
    [(fault) => new Faults().failPublish(fault), { nth: 2 }],
    [(fault) => new Faults().duplicate(fault), { nth: 2 }],
    [(fault) => new Faults().reorder(fault), { count: 2 }],
    [(fault) => new Faults().failDelivery(fault), { nth: 2 }],
  ],
  "millrace/testing harness": [[(options) => harness(options), { persistent: true }]],
  "millrace/testing received": [[(options) => received(options), { json: 1 }]],
  "millrace/conformance ChaosProxy": [[(target) => ChaosProxy.start(target), { port: 1 }]],
  "millrace/conformance Probe": [[(options) => new Probe(subscription, options), { strict: true }]],
  "millrace/conformance WorkerProcess": [
    [(command) => new WorkerProcess(command, { topic: "t", group: undefined }, {} as never), { module: "x" }],
    [(task) => new WorkerProcess({ module: "x" }, task, {} as never), { topic: "t", group: undefined }],
  ],
  "millrace/conformance conformance": [
    [(options) => conformance(runner, options), setup],
    [(limits) => conformance(runner, { ...setup, limits }), { kills: 1 }],
    [(lease) => conformance(runner, { ...setup, lease }), { leaseMs: 1, create: setup.create }],
    [(faults) => conformance(runner, { ...setup, faults }), { restartBroker: async () => {} }],
    [(worker) => conformance(runner, { ...setup, faults: { worker } }), { module: "x" }],
  ],
  "@millrace/rabbitmq RabbitMqPubSub": [
    [(options) => new rabbitmq.RabbitMqPubSub(options), node],
    [(exchange) => new rabbitmq.RabbitMqPubSub({ ...node, exchange }), { autoDelete: true }],
    [(queue) => new rabbitmq.RabbitMqPubSub({ ...node, queue }), { type: "quorum" }],
  ],
  "@millrace/rabbitmq RabbitMqPublisher": [[(options) => new rabbitmq.RabbitMqPublisher(options), node]],
  "@millrace/rabbitmq RabbitMqSubscriber": [[(options) => new rabbitmq.RabbitMqSubscriber(options), node]],
  "@millrace/rabbitmq fromUrl": [[(options) => rabbitmq.fromUrl(node.url, options), { logger: undefined }]],
  "@millrace/rabbitmq pubSubTopology": [[(options) => rabbitmq.pubSubTopology(options), { durable: true }]],
  "@millrace/rabbitmq queueTopology": [[(options) => rabbitmq.queueTopology(options), { durable: true }]],
  "@millrace/rabbitmq topicExchangeTopology": [[(options) => rabbitmq.topicExchangeTopology(options), { exchange: "x" }]],
  "@millrace/rabbitmq watermillCodec": [[(options) => rabbitmq.watermillCodec(options), { idHeader: "x" }]],
  "@millrace/sql SqlPubSub": [
    [(options) => new sql.SqlPubSub(options), { dialect }],
    [(retention) => new sql.SqlPubSub({ dialect, retention }), { maxAgeMs: 1 }],
    [(rule) => new sql.SqlPubSub({ dialect }).purge("t", rule), { maxAgeMs: 1 }],
  ],
  "@millrace/sql SqlPublisher": [[(options) => new sql.SqlPublisher(options), { dialect }]],
  "@millrace/sql SqlSubscriber": [[(options) => new sql.SqlSubscriber(options), { dialect }]],
  "@millrace/sql fromUrl": [[(options) => sql.fromUrl("sqlite::memory:", options), { logger: undefined }]],
  "@millrace/sql sqlite": [
    [(options) => sql.sqlite(options), { path: ":memory:" }],
    [(tables) => sql.sqlite({ path: ":memory:", tables }), { messages: () => "x" }],
  ],
};

/** Those without options, or whose options are not for a user to misspell. */
const WITHOUT: Readonly<Record<string, string>> = {
  millrace: "after attempt contextKey isPermanent isPromise logs metadata producedList transformPublisher transformSubscriber",
  "millrace/adapter":
    "OnceTimer OpenSubscriptions OptionCheck Outgoing PublishCall Received Ring TextMap backoffMs checkBackoff checkPublish checkQuestion checkSharedOptions checkSubscribe deferred dueMsOf encodeAll " +
    "abortedError entriesWithKey goJson goJsonMap goJsonText groupBusy guarded isBinaryKey isKeyMetadata keyBytes keyOfEntries keyText knownBackoff laterTurn monotonicMs nativeOf nextTurn parseHost pickOptions publishError " +
    "PubSubShell PublisherShell SubscriberShell publishWithinDelay quietDeferred refusal sleep sliceSpent startTimer stopTimer unknownGroup unknownTopic wallMs whileBusy withNative within",
  "millrace/middleware":
    "duplicator formatGoDuration ignoreErrors instantAck keyFromId keyFromMetadata keyFromPayload messageCorrelationId parseGoDuration randomFail " +
    "randomPanic recoverer setCorrelationId timeout",
  "millrace/io": "delimited",
  "millrace/forwarder": "envelope openEnvelope",
  "millrace/testing": "VirtualClock produced",
  // A setup has been checked when these get it.
  "millrace/conformance": "Bell World applies capabilityProofs runScenario serveWorker starvedMs stress unprovedClaims",
  "@millrace/kafka": "javaPartitioner kafkaDelivery saramaPartitioner",
  "@millrace/rabbitmq": "correlatingCodec rabbitMqDelivery",
  "@millrace/sql": "TransactionPublisher sqlDelivery",
};

/** A message checks types, not names; an error must come into being whatever it is made of. */
const UNCHECKED = [
  "millrace Message",
  "@millrace/kafka tombstone",
  ...["Millrace", "Option", "Permanent", "Publish", "Settle"].map((kind) => `millrace ${kind}Error`),
];

async function problemsOf(make: (options: never) => unknown, options: Options): Promise<readonly string[]> {
  try {
    await make(options as never);
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ code: "BAD_OPTION" });
    return (error as OptionError).problems;
  }
  return [];
}

describe("an option that is not known", () => {
  const calls = Object.entries(CALLS).flatMap(([name, list]) => list.map(([make, valid]) => ({ name, part: /\w+/.exec(String(make))?.[0], make, valid })));

  it.each(calls)("is refused in the $part of $name", async ({ make, valid }) => {
    for (const value of [1, undefined]) {
      const problems = await problemsOf(make, { ...valid, surelyNot: value });
      expect(problems).toEqual([expect.stringMatching(/^unknown option ([\w.]+\.)?surelyNot; known are /)]);
      expect(problems[0]).toContain(Object.keys(valid)[0]);
    }
  });

  it.each(calls)("is refused with the one that was meant in the $part of $name", async ({ make, valid }) => {
    const name = Object.keys(valid)[0] as string;
    const problems = await problemsOf(make, { ...valid, [`${name}x`]: valid[name] });
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^unknown option ([\\w.]+\\.)?${name}x, did you mean ([\\w.]+\\.)?${name}\\?$`))]);
  });

  it("is refused by every constructor and factory that a package exports", async () => {
    const known = new Set([
      ...Object.keys(CALLS),
      ...UNCHECKED,
      ...Object.entries(WITHOUT).flatMap(([subpath, names]) => names.split(" ").map((name) => `${subpath} ${name}`)),
    ]);
    const exported = new Map<unknown, string>();
    for (const subpath of packages()
      .flatMap(({ entries }) => [...entries.keys()])
      .sort((one, other) => one.length - other.length)) {
      for (const [name, value] of Object.entries((await import(subpath)) as object)) {
        if (typeof value === "function" && !exported.has(value)) exported.set(value, `${subpath} ${name}`);
      }
    }
    const names = [...exported.values()];
    expect(names.filter((name) => !known.has(name))).toEqual([]);
    expect(Object.keys(CALLS).filter((name) => !names.includes(name))).toEqual([]);
  });

  it("passes subscribe and publish, for decorators and other adapters may know it", async () => {
    const plain = new MemoryPubSub();
    const decorated = transformSubscriber(() => {})(plain);
    const options = { group: "g", colour: "red" };
    for (const subscriber of [plain, decorated]) await (await subscriber.subscribe("t", options)).close();
    await plain.publish("t", new Message("x"), { colour: "red" } as object);
    await plain.close();
  });

  it("is refused by the compiler too", () => {
    // @ts-expect-error: misspelt
    expect(() => retry({ retries: 3 })).toThrow("retry: unknown option retries, did you mean maxRetries?");
    // @ts-expect-error: misspelt
    expect(() => new MemoryPubSub({ persistant: true })).toThrow("MemoryPubSub: unknown option persistant, did you mean persistent?");
  });
});
