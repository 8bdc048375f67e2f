import { fileURLToPath } from "node:url";
import { Message } from "millrace";
import { ChaosProxy, type ConformanceSetup } from "millrace/conformance";
import { afterAll, it } from "vitest";
import { adapterSuite } from "../../../test/adapter-suite.ts";
import { type KafkaBroker, ownBroker } from "../../../test/brokers/index.ts";
import { capabilities } from "./capabilities.ts";
import { KafkaPubSub } from "./pub-sub.ts";
import { KafkaPublisher } from "./publisher.ts";
import { deleteTopic } from "./testing/delete-topic.ts";
import { refusePublishing } from "./testing/refuse-publishing.ts";
import { publisherTestOptions, SHORT_SESSION_MS, testOptions, UNDECODABLE } from "./testing/test-options.ts";
import { KafkaTransactor } from "./transactor.ts";

// Its own: it is killed and started again.
const broker = await ownBroker("kafka");
if ("notRun" in broker) {
  it("@millrace/kafka keeps the contract", (context) => context.skip(broker.notRun));
} else {
  afterAll(() => broker.remove());
  adapterSuite(setup(broker));
}

function setup(broker: KafkaBroker): ConformanceSetup {
  const { url, port } = broker;
  return {
    name: "@millrace/kafka",
    capabilities,
    create: () => new KafkaPubSub(testOptions(url)),
    admin: ["topics", "groups", "lag", "seek", "deleteGroup"],
    lease: { leaseMs: SHORT_SESSION_MS, create: () => new KafkaPubSub(testOptions(url, true)) },
    // Five processes start at once, into a group that still waits for five dead members.
    limits: { patienceMs: 30_000 },
    publishInTransaction: async (topic, messages, end) => {
      await using transactor = new KafkaTransactor({ ...publisherTestOptions(url), transactionalId: topic });
      const rolledBack = new Error("rolled back");
      const running = transactor.run(async (transaction) => {
        await transaction.publish(topic, messages);
        if (end === "rollback") throw rolledBack;
      });
      await running.catch((error: unknown) => {
        if (error !== rolledBack) throw error;
      });
    },
    faults: {
      restartBroker: async () => {
        await broker.kill();
        await broker.start();
      },
      proxied: async ({ shortLease, publishTimeoutMs }) => {
        const proxy = await ChaosProxy.start({ port });
        const brokerAddress = (): { host: string; port: number } => ({ host: "127.0.0.1", port: proxy.port });
        return { proxy, pubsub: new KafkaPubSub({ ...testOptions(url, shortLease), publishTimeoutMs, brokerAddress }) };
      },
      refusePublishing: (topic) => refusePublishing(url, port, topic),
      deleteTopic: async (topic) => {
        await deleteTopic(broker, topic);
      },
      putUndecodable: async (topic) => {
        await using publisher = new KafkaPublisher(publisherTestOptions(url));
        await publisher.publish(topic, new Message("no message of ours", { metadata: { [UNDECODABLE]: "yes" } }));
      },
      worker: {
        module: fileURLToPath(new URL("./testing/conformance-worker.ts", import.meta.url)),
        execArgv: ["--conditions=millrace:source"],
        env: { KAFKA_URL: url },
      },
    },
  };
}
