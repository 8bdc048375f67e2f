import { Admin, ConfigResourceTypes, IncrementalAlterConfigOperationTypes } from "@platformatic/kafka";
import { Message } from "millrace";
import { KafkaPublisher } from "../publisher.ts";
import { publisherTestOptions } from "./test-options.ts";

/** Has the broker refuse what is published to the topic, as too large. Resolves when it does: the answer to the change says only that it is noted. */
export async function refusePublishing(url: string, port: number, topic: string): Promise<void> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [`127.0.0.1:${port}`] });
  await using publisher = new KafkaPublisher(publisherTestOptions(url));
  try {
    const change = { name: "max.message.bytes", configOperation: IncrementalAlterConfigOperationTypes.SET, value: "1" };
    await admin.incrementalAlterConfigs({ resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs: [change] }] });
    const taken = async (): Promise<boolean> =>
      await publisher.publish(topic, new Message("taken?")).then(
        () => true,
        () => false,
      );
    while (await taken());
  } finally {
    await admin.close();
  }
}
