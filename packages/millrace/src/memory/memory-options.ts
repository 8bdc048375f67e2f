import type { Logger } from "../logger/index.ts";

export interface MemoryPubSubOptions {
  /** Keeps every message, so that new groups and groupless subscriptions can read from the earliest. Default false. */
  readonly persistent?: boolean | undefined;
  /**
   * `publish` resolves when every group has acked that was there when the message got its place: also groups that are remembered and
   * have no member at the moment. As in Watermill, there is no limit to the wait: behind a handler that always fails it lasts until the
   * router gives the message up, which without a dead letter is never; a publish that has waited 10 s logs one warning with the topic and the
   * groups. Give `publish` a signal to end the wait. A group that goes, with its last member or deleted, owes nothing any more, and so
   * does a reader without a group that leaves: then `publish` resolves although nobody has acked. A delayed message is not waited for:
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
