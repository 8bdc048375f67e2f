import type { SubscribeDoors } from "../message/doors.ts";
import type { ReceivedMessage, SubscribeOptions } from "../message/index.ts";

/** One way of handling messages: one by one, pipelined, or in batches. */
export interface Processor {
  /** Calls at a time. */
  readonly slots: number;
  /** What it asks of the subscription. */
  readonly demands: Pick<SubscribeOptions, "maxInFlight" | "orderBy"> & SubscribeDoors;
  /** What it was given is on its way when `handle` has returned: it needs no slot. */
  readonly detached?: boolean;
  /** Handles one message and gives its verdict. Returns a promise only when it must wait. Never throws, never rejects. */
  handle(message: ReceivedMessage): Promise<void> | undefined;
  /** The subscription has ended: nothing more will come. */
  end(): void;
}
