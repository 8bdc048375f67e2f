import type { PubSub } from "millrace";
import type { VirtualClock } from "millrace/testing";
import type { Faults } from "../around/faults.ts";
import type { Gate } from "../around/gate.ts";
import type { ModelLogger } from "../around/model-logger.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { LossyPubSub } from "../lossy/lossy-pubsub.ts";
import type { Program } from "../plan/program.ts";

/** What the parts of a run share. */
export interface World {
  readonly program: Program;
  readonly clock: VirtualClock;
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly logger: ModelLogger;
  readonly bus: PubSub;
  /** The same, where it can lose something. */
  readonly lossy: LossyPubSub | undefined;
  /** Holds subscribes up. */
  readonly gate: Gate;
  /** Draws that are not one half more often than not. */
  readonly luck: Luck;
  /** The end has come: handlers do what they should, nothing hangs that was not told to stop. */
  readonly release: Release;
  /** The topics that the pub/sub carries; the others are recorded only. */
  readonly carried: ReadonlySet<string>;
}

/** What `Math.random` answers next. */
export interface Luck {
  next: number | undefined;
}

export interface Release {
  calm: boolean;
  /** Ends the calls that hang and were never told to stop. */
  readonly waiting: Set<() => void>;
}
