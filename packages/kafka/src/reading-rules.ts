import type { Logger } from "millrace";
import type { KafkaCodec } from "./codec.ts";
import type { KafkaRecord } from "./wire/record.ts";

/** How a subscription reads. */
export interface ReadingRules {
  readonly topic: string;
  readonly codec: KafkaCodec;
  readonly committedOnly: boolean;
  readonly topicRefreshMs: number;
  readonly maxGap: number;
  readonly fetchBytes: number;
  readonly partitionBytes: number;
  readonly logger: Logger;
  /** What order is kept by: the key, or the partition. */
  orderingKey(record: KafkaRecord, key: string | undefined): string | undefined;
}
