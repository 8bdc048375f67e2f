import { SqlPubSub, sqlite } from "@millrace/sql";
import { Router } from "millrace";
import type { Case } from "../harness/case.ts";
import { Countdown } from "./countdown.ts";
import { DatabaseFile } from "./database-file.ts";
import { fill } from "./filled.ts";
import type { ConsumeSettings } from "./sqlite-settings.ts";
import { Stopwatch } from "./stopwatch.ts";

/** A backlog through a handler in the router, until the last verdict is in the file. */
export const run: Case<ConsumeSettings> = async (settings) => {
  const file = new DatabaseFile();
  try {
    if (settings.warmUp > 0) await fill(file.path, "warm-up", settings.warmUp, settings.bytes);
    await fill(file.path, "topic", settings.count, settings.bytes);
    if (settings.warmUp > 0) await consume(file.path, "warm-up", settings.warmUp, settings);
    return await consume(file.path, "topic", settings.count, settings);
  } finally {
    file.remove();
  }
};

async function consume(path: string, topic: string, count: number, { batch, concurrency }: ConsumeSettings): ReturnType<typeof run> {
  const bus = new SqlPubSub({ dialect: sqlite({ path }), prefetch: batch });
  const router = new Router({ subscriber: bus, owns: [bus] });
  const countdown = new Countdown(count);
  let bytes = 0;
  router.addConsumerHandler({
    name: "count",
    group: "count",
    subscribe: topic,
    concurrency,
    handle: (message) => {
      bytes += message.payload.length;
      countdown.count();
    },
  });
  const watch = new Stopwatch();
  await router.start();
  await countdown.done;
  const handled = watch.figures(count);
  await router.close();
  return { ...watch.figures(count), handledNs: handled.ns as number, bytes };
}
