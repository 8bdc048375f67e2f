import { randomUUID } from "node:crypto";
import { Admin } from "@platformatic/kafka";
import { connect } from "amqplib";
import { brokerBus } from "./broker-bus.ts";
import { GROUP } from "./broker-client.ts";
import { bootstrapOf } from "./kafka-client.ts";

/** A fresh topic with a group at its beginning, as the adapter makes them by default: the same for whoever is measured. */
export async function makeTopic(url: string): Promise<string> {
  const topic = `bench-${randomUUID()}`;
  await using bus = brokerBus(url);
  await bus.provision(topic, { group: GROUP });
  return topic;
}

/** What was written leaves the broker's disk. */
export async function removeTopic(url: string, topic: string): Promise<void> {
  if (url.startsWith("kafka:")) {
    const admin = new Admin({ clientId: "bench", bootstrapBrokers: bootstrapOf(url) });
    await admin.deleteTopics({ topics: [topic] });
    await admin.close();
    return;
  }
  const model = await connect(url);
  const channel = await model.createChannel();
  await channel.deleteQueue(`${topic}_${GROUP}`);
  await channel.deleteExchange(topic);
  await model.close();
}
