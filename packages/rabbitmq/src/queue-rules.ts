import type { Logger } from "millrace";
import type { RabbitMqCodec } from "./codec.ts";
import type { WayBack, WayBackQueue } from "./way-back.ts";

/** What a session knows of its queue. */
export interface QueueRules extends WayBackQueue {
  readonly topic: string;
  /** Its kind, which mixes up the order of what it sends to two consumers. */
  readonly quorum: boolean;
  readonly patterns: boolean;
  readonly onUndecodable: "delay" | "reject";
  readonly codec: RabbitMqCodec;
  readonly wayBack: WayBack;
  readonly logger: Logger;
}
