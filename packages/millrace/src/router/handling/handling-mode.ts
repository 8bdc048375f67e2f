import type { SubscribeOptions } from "../../message/index.ts";
import type { Call } from "../calls/call.ts";

/** One way of handling messages: one by one, pipelined, or in batches. */
export interface HandlingMode {
  /** What it asks of the subscription. */
  readonly demands: Pick<SubscribeOptions, "maxInFlight" | "orderBy" | "perKey">;
  /** Handles the message and gives its verdict, now or later. Never throws. */
  handle(call: Call): void;
  /** The subscription ends: nothing more will come. */
  end(): void;
}
