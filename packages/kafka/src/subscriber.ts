import type { BrokerAdmin } from "millrace";
import { OptionCheck, SubscriberShell } from "millrace/adapter";
import { KafkaReading } from "./kafka-reading.ts";
import type { PartitionRecord } from "./partition-reader.ts";
import { checkSubscriberOptions, type KafkaSubscriberOptions, SUBSCRIBER_NAMES } from "./subscriber-options.ts";

/**
 * Reads topics, for a group or for oneself.
 *
 * | | what the broker sees |
 * |---|---|
 * | the handler returns (`ack`) | the message is settled; the group's offset moves over the contiguous settled prefix of its partition, what is settled beyond it is noted in the commit |
 * | it throws (`nack`) | nothing; the message stays with this member, which tries again; its key waits, other keys go on |
 * | it runs out of time | as a throw, once its promise settles; heartbeats go on meanwhile |
 * | the process dies | after `sessionTimeoutMs` its partitions go to other members, which begin behind what was committed |
 * | the process freezes beyond its session | as if it had died; when it wakes, late verdicts answer false, and the group's offset never moves back |
 * | another member joins | partitions that move are drained for `revokeDrainMs`, committed, then given up; the others go on |
 * | `pause` | nothing: heartbeats go on, partitions stay |
 * | `close` | the last commits, then it leaves the group |
 *
 * - One partition is read by one member at a time, so order per key holds across members.
 * - A partition is read at most `maxGap` messages past its first unsettled one; then it waits, and the state is `blocked`.
 * - `from: { position }` takes `"partition:offset"`, several separated by commas; partitions that are not named begin at the earliest.
 * - Payloads are views of what was fetched: `payload.slice()` what is kept for long.
 * - `provision` makes the topic and, with `group`, puts on record where the group begins; a group that has begun is left as it is.
 * - Rejects with `BROKER_UNREACHABLE`, `AUTHENTICATION_FAILED`, `ACCESS_DENIED`, `TOPIC_MISSING`, `TOPIC_MISMATCH`, `BAD_TOPIC`,
 *   `GROUP_MISMATCH`, `KAFKA_ERROR`; after `close()` with `CLOSED`.
 *
 * ```ts
 * const subscriber = new KafkaSubscriber({ url: "kafka://localhost:9092" });
 * const subscription = await subscriber.subscribe("order.placed", { group: "billing" });
 * for await (const message of subscription) message.ack();
 * ```
 */
export class KafkaSubscriber extends SubscriberShell<PartitionRecord> {
  /** What tools may ask of the cluster: see `BrokerAdmin`. Kafka moves and deletes no group that has members. */
  declare readonly admin: BrokerAdmin;

  constructor(options: KafkaSubscriberOptions) {
    checkSubscriberOptions(new OptionCheck("KafkaSubscriber").known(options, SUBSCRIBER_NAMES), options).done();
    super("KafkaSubscriber", new KafkaReading(options));
  }
}
