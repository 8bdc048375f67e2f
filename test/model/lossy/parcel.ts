/** A message in one group of the lossy broker. */
export interface Parcel {
  /** Its place in the topic, from 1. */
  readonly offset: number;
  readonly id: string;
  readonly key: string | undefined;
  readonly payload: Uint8Array;
  readonly metadata: ReadonlyMap<string, string>;
  /** Of the next delivery. */
  attempt: number;
  /** Counts deliveries: a verdict on an earlier one is refused. */
  delivery: number;
  settled: boolean;
}

/** What a delivery is settled by. */
export interface Receipt {
  readonly parcel: Parcel;
  readonly delivery: number;
}

/** The delivery is the last one, and nobody took it away. */
export function isCurrent({ parcel, delivery }: Receipt): boolean {
  return parcel.delivery === delivery && !parcel.settled;
}
