import type { Logger } from "../logger/index.ts";

export interface MemoryPubSubOptions {
  /** Keeps every message, so that new groups and groupless subscriptions can read from the earliest. Default false. */
  readonly persistent?: boolean | undefined;
  /**
   * `publish` resolves when every group has acked that was there when the message got its place: also groups that are remembered and
   * have no member at the moment. A reader without a group that leaves owes nothing any more. A delayed message is not waited for:
   * `publish` resolves when it is accepted. Default false.
   */
  readonly blockPublishUntilAck?: boolean | undefined;
  /**
   * Messages a group may hold before publishers wait. Of a topic's messages that are not due yet, sixteen times as many are held back;
   * more of them reject with `BUFFER_FULL`. Without effect with `persistent`. Default 10,000.
   */
  readonly bufferSize?: number | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}
