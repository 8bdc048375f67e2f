import { PublisherShell } from "millrace/adapter";
import { capabilitiesOf } from "./capabilities.ts";
import { ProducerIdentity } from "./producer-identity.ts";
import { checkPublisher, type KafkaPublisherOptions } from "./publisher-options.ts";
import { Sending } from "./sending.ts";

/**
 * Appends messages to topics. `publish` resolves when the in-sync replicas have confirmed every message.
 *
 * - Calls under way at once share requests; a large call is cut into as many batches as it takes.
 * - What got no answer is sent again until the call's time is up; the broker removes repeats (`idempotent`). Messages of one key
 *   keep their order, through retries too. Messages without a key go to any partition.
 * - A topic that is not there is made (`provision: "create"`), or rejects with `TOPIC_MISSING`.
 * - Rejects with a `PublishError` that says of each message whether it was confirmed: `BROKER_UNREACHABLE`, `PUBLISH_TIMEOUT`,
 *   `PUBLISH_ABORTED`, `MESSAGE_TOO_LARGE`, `MESSAGE_REFUSED`, `TOPIC_MISSING`, `BAD_TOPIC`, `ACCESS_DENIED`, `AUTHENTICATION_FAILED`, `UNENCODABLE`, `BUFFER_FULL`,
 *   `DELAY_UNSUPPORTED`, `INVALID_DELAY`, `KAFKA_ERROR`; after `close()` with `CLOSED`.
 * - Kafka holds nothing back: a message that is not due is refused (`DELAY_UNSUPPORTED`), and what is behind it in its call is not
 *   sent. A `DelayingPublisher` before it, or `delays` of `connect`, keeps such messages until they are due.
 *
 * ```ts
 * const publisher = new KafkaPublisher({ url: "kafka://localhost:9092" });
 * await publisher.publish("order.placed", Message.json({ id: "o-1" }, { key: "o-1" }));
 * await publisher.close();
 * ```
 */
export class KafkaPublisher extends PublisherShell {
  constructor(options: KafkaPublisherOptions) {
    checkPublisher(options);
    const { acks = "all", idempotent = acks === "all" } = options;
    const sending = new Sending("KafkaPublisher", options, (cluster) => {
      const identity = new ProducerIdentity(cluster);
      return { acks: acks === "all" ? -1 : 1, identity: idempotent ? () => identity.fresh() : undefined };
    });
    super({ capabilities: capabilitiesOf(options), calls: sending.calls, close: () => sending.close() });
  }
}
