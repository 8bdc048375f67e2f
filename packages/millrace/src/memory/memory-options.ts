import type { Logger } from "../logger/index.ts";

export interface MemoryPubSubOptions {
  /** Keeps every message, so that new groups and groupless subscriptions can read from the earliest. Default false. */
  readonly persistent?: boolean | undefined;
  /** `publish` resolves when every group has acked. Default false. */
  readonly blockPublishUntilAck?: boolean | undefined;
  /** Messages a group may hold before publishers wait. Default 10,000. */
  readonly bufferSize?: number | undefined;
  readonly logger?: Logger | undefined;
}
