import { MillraceError, silentLogger } from "millrace";
import { type KafkaCodec, watermillCodec } from "../codec.ts";
import type { KafkaPubSubOptions } from "../pub-sub.ts";
import type { KafkaPublisherOptions } from "../publisher-options.ts";

export const UNDECODABLE: string = "undecodable";
/** As short as this broker allows and a busy machine bears. */
export const SHORT_SESSION_MS: number = 3_000;

/** Watermill's format, but records that say so cannot be read. */
const codec: KafkaCodec = {
  encode: (topic, message) => watermillCodec().encode(topic, message),
  decode: (record) => {
    if (record.headers.some(([name]) => name.toString() === UNDECODABLE))
      throw new MillraceError("the record says that it cannot be read", { code: "UNDECODABLE" });
    return watermillCodec().decode(record);
  },
};

/** What the tests use: several partitions, room for 1 MiB payloads, groups that notice each other soon. */
export function testOptions(url: string, shortSession = false): KafkaPubSubOptions {
  return {
    url,
    logger: silentLogger,
    codec,
    topics: { partitions: 2, config: { "max.message.bytes": "4194304" } },
    requestTimeoutMs: 10_000,
    heartbeatMs: 300,
    ...(shortSession ? { sessionTimeoutMs: SHORT_SESSION_MS } : {}),
  };
}

/** Those of them that a publisher or a transactor takes. */
export function publisherTestOptions(url: string): Omit<KafkaPublisherOptions, "acks" | "idempotent"> {
  const { codec: used, topics, requestTimeoutMs } = testOptions(url);
  return { url, codec: used, topics, requestTimeoutMs };
}
