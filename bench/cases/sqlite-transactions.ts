import { DatabaseSync, type StatementSync } from "node:sqlite";
import { SqlPubSub, sqlite } from "@millrace/sql";
import { Router } from "millrace";
import type { Case } from "../harness/case.ts";
import { Countdown } from "./countdown.ts";
import { DatabaseFile } from "./database-file.ts";
import { fill } from "./filled.ts";
import { type ConsumeSettings, PRAGMAS } from "./sqlite-settings.ts";

/** Counts the commits that reading a backlog takes. Not timed: the bare client is then given as many. */
export const run: Case<ConsumeSettings> = async ({ count, bytes, batch, concurrency }) => {
  const file = new DatabaseFile();
  await fill(file.path, "topic", count, bytes);
  const database = new CountingDatabase(file.path);
  database.exec(PRAGMAS);
  const bus = new SqlPubSub({ dialect: sqlite({ database }), prefetch: batch });
  const router = new Router({ subscriber: bus, owns: [bus] });
  const countdown = new Countdown(count);
  router.addConsumerHandler({ name: "count", subscribe: "topic", concurrency, handle: () => countdown.count() });
  try {
    await router.start();
    await countdown.done;
    await router.close();
    return { commits: database.commits, perCommit: count / database.commits };
  } finally {
    database.close();
    file.remove();
  }
};

class CountingDatabase extends DatabaseSync {
  commits = 0;

  override prepare(sql: string): StatementSync {
    const statement = super.prepare(sql);
    if (sql === "COMMIT") {
      const run = statement.run.bind(statement);
      statement.run = () => {
        this.commits++;
        return run();
      };
    }
    return statement;
  }
}
