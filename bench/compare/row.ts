import type { BrokerName } from "../../scripts/brokers/broker.ts";
import type { Call } from "../harness/case.ts";

/** Which code runs: `new` is this checkout's. */
export type Side = "old" | "new";

/** Where a row is measured. */
export interface Place {
  readonly side: Side;
  /** Of the broker, where the row needs one; both sides use the same. */
  readonly url: string;
}

/** One way of using Millrace whose cost is compared. Its cases may use only what both checkouts export. */
export interface Row {
  readonly name: string;
  readonly broker?: BrokerName | undefined;
  /** Run once for each side before the pairs, not measured. */
  readonly before?: ((place: Place) => Call) | undefined;
  /** A slice: run again and again in the same process. */
  readonly slice: (place: Place) => Call;
  readonly warmUps: number;
  readonly slices: number;
}
