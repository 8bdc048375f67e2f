import { silentLogger } from "millrace";
import type { RabbitMqPubSubOptions } from "../options.ts";

/** Queues that clean up behind the tests: nobody reads the thousands that a run leaves. Time enough for 20 tests at once on one disk. */
export function testOptions(url: string): RabbitMqPubSubOptions {
  return { url, logger: silentLogger, queue: { expiresMs: 5 * 60_000 }, exchange: { autoDelete: true }, connectionName: "test", publishTimeoutMs: 120_000 };
}
