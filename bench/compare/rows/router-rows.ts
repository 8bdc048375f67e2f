import type { RouterCostSettings } from "../../cases/router-cost.ts";
import { call } from "../../harness/case.ts";
import type { Row } from "../row.ts";

type Way = Pick<RouterCostSettings, "from" | "reader" | "handler" | "middleware">;

const row = (name: string, count: number, way: Way): Row => ({
  name: `router ${name}`,
  slice: () => call<RouterCostSettings>("router-cost", { count, warmUp: 0, concurrency: 1, ...way }),
  warmUps: 5,
  slices: 9,
});

/** The router, its middleware and the bare loop that they are measured against, over messages that are ready: ours in memory, and those of a stranger. */
export const ROUTER_ROWS: readonly Row[] = [
  row("bare loop over memory", 100_000, { from: "memory", reader: "loop", handler: "sync", middleware: 0 }),
  ...(["memory", "foreign"] as const).flatMap((from) =>
    (["sync", "async"] as const).flatMap((handler) =>
      [0, 10].map((middleware) => {
        const count = handler === "async" ? 80_000 : from === "foreign" ? 160_000 : 120_000;
        const name = `over ${from === "memory" ? "memory" : "a foreign subscriber"}, ${handler}, ${middleware} middlewares`;
        return row(name, count, { from, reader: "router", handler, middleware });
      }),
    ),
  ),
];
