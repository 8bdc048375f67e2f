import type { DatabaseSync } from "node:sqlite";
import { read } from "../database/transaction.ts";
import { asOf } from "../event-log/index.ts";
import { json, momentOf, type Route } from "../http/index.ts";
import { view } from "../view/index.ts";
import type { Context } from "./context.ts";

/** A GET that answers from the view as it is now, or, with `?at=`, as it was at that moment. */
export function query(context: Context, path: string, answer: (database: DatabaseSync, params: Readonly<Record<string, string>>) => unknown): Route {
  return {
    method: "GET",
    path,
    respond: async (request) => {
      const atMs = momentOf(request);
      if (atMs === undefined) return json(200, await read(context.database, () => answer(context.database, request.params)));
      const moment = await asOf(context.database, view, atMs);
      try {
        return json(200, answer(moment, request.params));
      } finally {
        moment.close();
      }
    },
  };
}
