import type { AsyncLocalStorage } from "node:async_hooks";
import type { GroupBook } from "../ledger/group-book.ts";
import type { Handling } from "../ledger/records.ts";
import type { World } from "../run/world.ts";
import type { ActBook } from "./act-book.ts";

/** Where a handler plays: one handler of one member. */
export interface Stage {
  readonly world: World;
  readonly book: GroupBook;
  readonly member: number;
  readonly acts: ActBook;
  /** Within which handling one is. */
  readonly within: AsyncLocalStorage<Handling>;
  /** No observer stands outside: the handler tells the ledger itself. */
  readonly bare: boolean;
  /** Ends the router, or this handler, from inside. */
  readonly end: (what: "router" | "handler") => Promise<void>;
}
