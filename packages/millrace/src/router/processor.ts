import type { SubscribeDoors } from "../message/doors.ts";
import type { SubscribeOptions } from "../message/index.ts";
import type { Handling } from "./dispatcher.ts";

/** One way of handling messages: one by one, pipelined, or in batches. */
export interface Processor {
  /** Calls at a time. */
  readonly slots: number;
  /** What it asks of the subscription. */
  readonly demands: Pick<SubscribeOptions, "maxInFlight" | "orderBy"> & SubscribeDoors;
  /** What it was given is on its way when `handle` has returned: it needs no slot. */
  readonly detached?: boolean;
  handle(...call: Parameters<Handling>): ReturnType<Handling>;
  /** The subscription has ended: nothing more will come. */
  end(): void;
}
