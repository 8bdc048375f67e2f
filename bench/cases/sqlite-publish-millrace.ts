import { SqlPubSub, sqlite } from "@millrace/sql";
import { Message } from "millrace";
import type { Case } from "../harness/case.ts";
import { DatabaseFile } from "./database-file.ts";
import type { PublishSettings } from "./sqlite-settings.ts";
import { Stopwatch } from "./stopwatch.ts";

/** Calls of publish, each awaited by its caller. */
export const run: Case<PublishSettings> = async (settings) => {
  const file = new DatabaseFile();
  const bus = new SqlPubSub({ dialect: sqlite({ path: file.path }) });
  try {
    await publish(bus, "warm-up", { ...settings, count: settings.warmUp ?? Math.ceil(settings.count / 4) });
    await bus.provision("topic");
    const watch = new Stopwatch();
    await publish(bus, "topic", settings);
    return watch.figures(settings.count);
  } finally {
    await bus.close();
    file.remove();
  }
};

async function publish(bus: SqlPubSub, topic: string, { count, batch, bytes, callers = 1 }: PublishSettings): Promise<void> {
  const payload = new Uint8Array(bytes);
  let sent = 0;
  const caller = async (): Promise<void> => {
    while (sent < count) {
      sent += batch;
      await bus.publish(topic, batch === 1 ? new Message(payload) : Array.from({ length: batch }, () => new Message(payload)));
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
}
