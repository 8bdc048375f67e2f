import type { ReceivedMessage } from "millrace";
import type { KafkaRecord, RawHeader } from "./wire/record.ts";

/** What only Kafka knows of a delivery. */
export interface KafkaDelivery {
  readonly partition: number;
  readonly offset: number;
  /** The record's key, byte for byte; `null` where there is none. */
  readonly key: Buffer | null;
  /** Every header as it is on the wire, in order: bytes that are not UTF-8, repeated names and null values included. */
  readonly headers: readonly RawHeader[];
  /** The record has no value: on a compacted topic what was published under its key is deleted. */
  readonly tombstone: boolean;
  /** Of the producer, or of the broker where the topic says `LogAppendTime`. */
  readonly timestamp: Date;
}

/** The fields of `message.delivery` that a session adds; `kafka` is read by `kafkaDelivery` only. */
export interface DescribedRecord {
  readonly position: string;
  readonly publishedAt: Date;
  readonly kafka: KafkaDelivery;
}

export function describeRecord(record: KafkaRecord): DescribedRecord {
  const timestamp = new Date(record.timestamp);
  return { position: positionOf(record), publishedAt: timestamp, kafka: new RecordDelivery(record, timestamp) };
}

/** Printable, and accepted by `from: { position }`. */
export function positionOf({ place, offset }: Pick<KafkaRecord, "place" | "offset">): string {
  return `${place.index}:${offset}`;
}

/**
 * Partition, offset, raw headers and the like of a message that came from Kafka; `undefined` for any other message.
 *
 * ```ts
 * for await (const message of subscription) {
 *   const { partition, offset, tombstone } = kafkaDelivery(message) ?? {};
 *   console.log(partition, offset, tombstone);
 *   message.ack();
 * }
 * declare const subscription: AsyncIterable<ReceivedMessage>;
 * ```
 */
export function kafkaDelivery(message: ReceivedMessage): KafkaDelivery | undefined {
  return (message.delivery as { readonly kafka?: KafkaDelivery } | undefined)?.kafka;
}

/** The record behind a delivery of ours. */
export function recordOf(message: ReceivedMessage): KafkaRecord | undefined {
  const delivery = kafkaDelivery(message);
  return delivery instanceof RecordDelivery ? delivery.record : undefined;
}

class RecordDelivery implements KafkaDelivery {
  readonly timestamp: Date;
  readonly #record: KafkaRecord;

  constructor(record: KafkaRecord, timestamp: Date) {
    this.#record = record;
    this.timestamp = timestamp;
  }

  get record(): KafkaRecord {
    return this.#record;
  }

  get partition(): number {
    return this.#record.place.index;
  }

  get offset(): number {
    return this.#record.offset;
  }

  get key(): Buffer | null {
    return this.#record.key;
  }

  get headers(): readonly RawHeader[] {
    return this.#record.headers;
  }

  get tombstone(): boolean {
    return this.#record.value === null;
  }
}
