import { randomUUID } from "node:crypto";
import { Consumer, type MessageToProduce, Producer } from "@platformatic/kafka";
import type { BrokerClient } from "./broker-client.ts";
import { readKafka } from "./kafka-reading.ts";

const ID = Buffer.from("_watermill_message_uuid");
/** As many bytes as our adapter leaves with one partition before it goes on to the next. */
const STAY_BYTES = 32 * 1024;
const ABOUT = 120;

export function bootstrapOf(url: string): string[] {
  return [new URL(url).host];
}

/** `@platformatic/kafka` alone: idempotent, all acks, an id for every message. */
export function kafkaClient(url: string): BrokerClient {
  const bootstrapBrokers = bootstrapOf(url);
  const producer = new Producer({ clientId: "bare", bootstrapBrokers, idempotent: true, retries: 5 });
  const partitions = new Map<string, number>();
  let [partition, bytes] = [0, 0];
  const record = (topic: string, value: Buffer): MessageToProduce => {
    bytes += value.length + ABOUT;
    if (bytes > STAY_BYTES) {
      partition = (partition + 1) % (partitions.get(topic) as number);
      bytes = 0;
    }
    return { topic, partition, value, headers: new Map([[ID, Buffer.from(randomUUID())]]) };
  };
  return {
    publish: async (topic, payloads) => {
      if (!partitions.has(topic)) partitions.set(topic, (await producer.metadata({ topics: [topic] })).topics.get(topic)?.partitionsCount ?? 1);
      await producer.send({ messages: payloads.map((payload) => record(topic, payload)) });
    },
    consume: (topic, group, handle, way) => readKafka(bootstrapBrokers, topic, group, handle, way),
    close: () => producer.close(),
  };
}

/** For members and for fetching. */
export function bareConsumer(bootstrapBrokers: string[], groupId: string): Consumer {
  return new Consumer({ clientId: "bare", bootstrapBrokers, groupId, autocommit: false });
}
