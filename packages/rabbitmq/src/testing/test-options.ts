import type { RabbitMqPubSubOptions } from "../options.ts";

/** Queues that clean up behind the tests: nobody reads the thousands that a run leaves. */
export function testOptions(url: string): RabbitMqPubSubOptions {
  return { url, queue: { expiresMs: 5 * 60_000 }, exchange: { autoDelete: true }, connectionName: "test" };
}
