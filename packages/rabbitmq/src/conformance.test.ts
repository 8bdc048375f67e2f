import { fileURLToPath } from "node:url";
import { connect } from "amqplib";
import { ChaosProxy, type ConformanceSetup } from "millrace/conformance";
import { afterAll, it } from "vitest";
import { adapterSuite } from "../../../test/adapter-suite.ts";
import { ownBroker, type RabbitmqBroker } from "../../../test/brokers/index.ts";
import { capabilities } from "./capabilities.ts";
import { ID_HEADER } from "./codec.ts";
import type { RabbitMqPubSubOptions } from "./options.ts";
import { RabbitMqPubSub } from "./pub-sub.ts";
import { testOptions } from "./testing/test-options.ts";

/** A process that the broker has not heard for so long is taken for dead. */
const SHORT_HEARTBEAT_MS = 2_000;

const WHY = "AMQP counts the messages that wait in a queue, not those in the hands of other members or in delay queues";
const LAG_UNKNOWN = { "reports-lag": WHY, "reports-lag-of-each-group": WHY, "reports-lag-of-all-members": WHY };

// Its own: it is killed and started again.
const broker = await ownBroker("rabbitmq");
if ("notRun" in broker) {
  it("@millrace/rabbitmq keeps the contract", (context) => context.skip(broker.notRun));
} else {
  afterAll(() => broker.remove());
  adapterSuite(setup(broker));
}

function setup(broker: RabbitmqBroker): ConformanceSetup {
  const { url, port } = broker;
  const create = (heartbeatMs?: number, other: Partial<RabbitMqPubSubOptions> = {}): RabbitMqPubSub =>
    new RabbitMqPubSub({ ...testOptions(url), heartbeatMs, ...other });
  return {
    name: "@millrace/rabbitmq",
    capabilities,
    create: () => create(),
    admin: ["deleteGroup"],
    exclude: LAG_UNKNOWN,
    // Not a lease of messages: so long a process may be silent.
    lease: { leaseMs: SHORT_HEARTBEAT_MS, create: () => create(SHORT_HEARTBEAT_MS) },
    // Each message is written to disk by itself.
    limits: { backlog: 50_000 },
    faults: {
      restartBroker: async () => {
        await broker.kill();
        await broker.start();
      },
      proxied: async ({ shortLease, publishTimeoutMs = 120_000 }) => {
        const proxy = await ChaosProxy.start({ port });
        const other = { url: `amqp://guest:guest@127.0.0.1:${proxy.port}`, publishTimeoutMs };
        return { proxy, pubsub: create(shortLease === true ? SHORT_HEARTBEAT_MS : undefined, other) };
      },
      refusePublishing: async (topic) => {
        const connection = await connect(url);
        const channel = await connection.createChannel();
        const { queue } = await channel.assertQueue(`${topic}_full`, { expires: 5 * 60_000, maxLength: 0, arguments: { "x-overflow": "reject-publish" } });
        await channel.bindQueue(queue, topic, "");
        await connection.close();
      },
      deleteTopic: async (topic, group) => {
        const connection = await connect(url);
        const channel = await connection.createChannel();
        await channel.deleteQueue(`${topic}_${group}`);
        await channel.deleteExchange(topic);
        await connection.close();
      },
      putUndecodable: async (topic) => {
        const connection = await connect(url);
        const channel = await connection.createConfirmChannel();
        channel.publish(topic, "", Buffer.from("no message of ours"), { headers: { [ID_HEADER]: 17 } });
        await channel.waitForConfirms();
        await connection.close();
      },
      worker: {
        module: fileURLToPath(new URL("./testing/conformance-worker.ts", import.meta.url)),
        execArgv: ["--conditions=millrace:source"],
        env: { RABBITMQ_URL: url, RABBITMQ_SHORT_HEARTBEAT_MS: String(SHORT_HEARTBEAT_MS) },
      },
    },
  };
}
