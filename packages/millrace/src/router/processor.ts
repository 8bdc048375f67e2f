import type { SubscribeDoors } from "../message/doors.ts";
import type { ReceivedMessage, SubscribeOptions } from "../message/index.ts";
import type { End } from "./dispatcher.ts";

/** One way of handling messages: one by one, pipelined, or in batches. */
export interface Processor {
  /** Calls at a time. */
  readonly slots: number;
  /** What it asks of the subscription. */
  readonly demands: Pick<SubscribeOptions, "maxInFlight" | "orderBy"> & SubscribeDoors;
  /** What it was given is on its way when `handle` has returned: it needs no slot. */
  readonly detached?: boolean;
  /** Handles a message and settles it, as `Handling` says. */
  handle(message: ReceivedMessage, end: End): boolean;
  /** The subscription has ended: nothing more will come. */
  end(): void;
}
