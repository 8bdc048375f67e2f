import { Admin } from "@platformatic/kafka";
import type { KafkaBroker } from "../../../../test/brokers/index.ts";
import { Cluster } from "../wire/cluster.ts";

/**
 * Deletes a topic and resolves when the broker has let go of it. The answer to the deletion says only that the controller has noted
 * it: for a moment the broker still takes messages for the old topic, confirms them, and loses them with it.
 */
export async function deleteTopic({ url, port }: KafkaBroker, topic: string): Promise<void> {
  const cluster = new Cluster({ url });
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [`127.0.0.1:${port}`] });
  try {
    const idNow = async (): Promise<string | undefined> => (await cluster.refresh([topic])).get(topic)?.id;
    const id = await idNow();
    await admin.deleteTopics({ topics: [topic] });
    while (id !== undefined && (await idNow()) === id) await new Promise((resolve) => setTimeout(resolve, 5));
  } finally {
    await admin.close();
    cluster.close();
  }
}
