import { SqlPubSub, sqlite } from "@millrace/sql";
import { Message, Router } from "millrace";
import type { Case } from "../harness/case.ts";
import { Countdown } from "./countdown.ts";
import { DatabaseFile } from "./database-file.ts";
import { fill } from "./filled.ts";
import { Lateness } from "./lateness.ts";
import { Stopwatch } from "./stopwatch.ts";

export interface TimerSqliteSettings {
  readonly count: number;
  /** `replay`: a synchronous handler reads a backlog. `publish`: calls of 1,000 messages, one after the other. */
  readonly mode: "replay" | "publish";
}

/** A 10 ms interval while a database in this process is read, or written, as fast as it can be. */
export const run: Case<TimerSqliteSettings> = async ({ count, mode }) => {
  const file = new DatabaseFile();
  try {
    if (mode === "replay") await fill(file.path, "topic", count, 16);
    const bus = new SqlPubSub({ dialect: sqlite({ path: file.path }) });
    await bus.provision("topic", { group: "count" });
    const router = new Router({ subscriber: bus, owns: [bus] });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const countdown = new Countdown(count);
    const lateness = new Lateness();
    const watch = new Stopwatch();
    if (mode === "replay") {
      router.addConsumerHandler({ name: "count", subscribe: "topic", handle: () => countdown.count() });
      await router.start();
      await countdown.done;
    } else {
      await publish(bus, count);
    }
    const figures = { ...watch.figures(count), ...lateness.stop() };
    await (mode === "replay" ? router : bus).close();
    return figures;
  } finally {
    file.remove();
  }
};

async function publish(bus: SqlPubSub, count: number): Promise<void> {
  const payload = new Uint8Array(16);
  for (let sent = 0; sent < count; sent += 1000)
    await bus.publish(
      "topic",
      Array.from({ length: 1000 }, () => new Message(payload)),
    );
}
