/** What a benchmark does with a broker, by Millrace or by the bare client. */
export interface BrokerClient {
  /** One call, a message for each payload, each with an id of its own; resolves when the broker has confirmed them all. */
  publish(topic: string, payloads: readonly Buffer[]): Promise<void>;
  /** Reads the topic as `group`, one call of `handle` a message. */
  consume(topic: string, group: string, handle: Handle, way: ReadingWay): Promise<Reading>;
  close(): Promise<void>;
}

/** Everything that a message has, decoded. Only the payload where the way says so. */
export type Handle = (payload: Uint8Array, id: string, key: string | undefined, note: string | undefined) => void;

export interface ReadingWay {
  /** By whom Millrace's handler is called. */
  readonly reader: "for await" | "router";
  readonly concurrency: number;
  /** The handler looks at nothing but the payload. */
  readonly payloadOnly?: boolean | undefined;
  /** RabbitMQ's bare client: an ack of its own for every message, not one for many. */
  readonly ackEach?: boolean | undefined;
}

export interface Reading {
  /** Resolves when the broker knows all verdicts. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export type ClientName = "millrace" | "bare";

/** Metadata that messages to be consumed carry, beside their id. */
export const NOTE = "note";
export const GROUP = "count";

export async function openClient(name: ClientName, url: string): Promise<BrokerClient> {
  if (name === "millrace") return await (await import("./millrace-client.ts")).millraceClient(url);
  if (url.startsWith("kafka:")) return (await import("./kafka-client.ts")).kafkaClient(url);
  return await (await import("./rabbitmq-client.ts")).rabbitmqClient(url);
}
