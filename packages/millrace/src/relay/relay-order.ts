import { orderingKeyOf } from "../message/in-hand.ts";
import type { OrderBy } from "../message/index.ts";

/** The order in which a relay works: one lane for all, or by key. */
export function relayOrder(concurrency: number | undefined, orderBy: OrderBy | undefined): OrderBy {
  if ((concurrency ?? 1) === 1) return () => "";
  return orderBy ?? orderingKeyOf;
}
