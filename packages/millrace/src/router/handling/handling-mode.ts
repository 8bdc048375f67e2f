import type { BriefMessage } from "../../message/in-hand.ts";
import type { SubscribeOptions } from "../../message/index.ts";
import type { Call } from "../calls/call.ts";
import type { Origin } from "../calls/company.ts";

/** One way of handling messages: one by one, pipelined, or in batches. */
export interface HandlingMode {
  /** What it asks of the subscription. */
  readonly demands: Pick<SubscribeOptions, "maxInFlight" | "orderBy" | "perKey">;
  /** Handles the message and gives its verdict, now or later. Never throws. */
  handle(call: Call): void;
  /**
   * Handles a message that was taken in hand without a call, where the mode can: all is over when it answers with nothing, else the call goes
   * on that the message has got.
   */
  readonly handleBriefly?: ((message: BriefMessage, origin: Origin) => Call | undefined) | undefined;
  /** The subscription ends: nothing more will come. */
  end(): void;
}
