import { Admin } from "@platformatic/kafka";
import type { KafkaBroker } from "../../../../test/brokers/index.ts";

/** Deletes what lies before `offset` in a topic's first partition, as retention does. */
export async function deleteRecords({ port }: KafkaBroker, topic: string, offset: number): Promise<void> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [`127.0.0.1:${port}`] });
  try {
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: BigInt(offset) }] }] });
  } finally {
    await admin.close();
  }
}
