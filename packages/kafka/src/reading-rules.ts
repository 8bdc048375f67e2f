import type { Logger } from "millrace";
import type { KafkaCodec } from "./codec.ts";

/** How a subscription reads. */
export interface ReadingRules {
  readonly topic: string;
  readonly codec: KafkaCodec;
  readonly committedOnly: boolean;
  readonly maxGap: number;
  readonly fetchBytes: number;
  readonly partitionBytes: number;
  readonly logger: Logger;
}
