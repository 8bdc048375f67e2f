import { type API, createAPI, type Reader, Writer } from "@platformatic/kafka";

export interface FetchPartition {
  readonly partition: number;
  readonly offset: number;
  /** The leader epoch of the record before that offset, −1 where it is not known: the broker tells by it that its log was cut off. */
  readonly lastEpoch: number;
  readonly maxBytes: number;
}

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly committedOnly: boolean;
  readonly topic: string;
  /** Another topic of the same name is not read by it, where the broker knows ids (Kafka 3.1). */
  readonly topicId: string;
  readonly partitions: readonly FetchPartition[];
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/** The records as they are: whoever reads them decodes them one by one. */
export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  readonly records: Buffer | undefined;
  /** The log does not hold what was read up to the offset asked for: it was cut off here. */
  readonly cutOffAt: number | undefined;
}

export interface FetchResponse {
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

/** Version 12 names topics by name and is known to every broker since 2.7, version 13 by their id. */
const BY_NAME = 12;
const BY_ID = 13;
const DIVERGING_EPOCH = 0;

function createRequest(version: number, request: FetchRequest): Writer {
  const { topic, topicId, partitions } = request;
  return Writer.create()
    .appendInt32(-1) // no replica
    .appendInt32(request.maxWaitMs)
    .appendInt32(request.minBytes)
    .appendInt32(request.maxBytes)
    .appendInt8(request.committedOnly ? 1 : 0)
    .appendInt32(0)
    .appendInt32(-1) // no fetch session
    .appendArray([topic], (writer) => {
      const named = version >= BY_ID ? writer.appendUUID(topicId) : writer.appendString(topic);
      named.appendArray([...partitions], (entry, { partition, offset, lastEpoch, maxBytes }) => {
        entry.appendInt32(partition).appendInt32(-1).appendInt64(BigInt(offset)).appendInt32(lastEpoch).appendInt64(-1n).appendInt32(maxBytes);
      });
    })
    .appendArray([], () => {})
    .appendString("")
    .appendTaggedFields();
}

function parseResponse(_correlationId: number, _key: number, version: number, reader: Reader): FetchResponse {
  reader.readInt32(); // throttling: the broker holds the answer back by itself
  const errorCode = reader.readInt16();
  reader.readInt32();
  const topics = reader.readArray((topic) => {
    if (version >= BY_ID) topic.readUUID();
    else topic.readString();
    return topic.readArray(readPartition, true, false);
  });
  return { errorCode, partitions: topics.flat() };
}

function readPartition(reader: Reader): FetchedPartition {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  const highWatermark = Number(reader.readInt64());
  const lastStableOffset = Number(reader.readInt64());
  const logStartOffset = Number(reader.readInt64());
  const aborted = reader.readNullableArray((entry) => ({ producerId: entry.readInt64(), firstOffset: Number(entry.readInt64()) })) ?? [];
  reader.readInt32(); // preferred read replica
  const length = reader.readUnsignedVarInt() - 1;
  let records: Buffer | undefined;
  if (length > 0) {
    // Out of the socket's buffers in one go: what is kept of it later pins this part only.
    records = reader.buffer.slice(reader.position, reader.position + length);
    reader.skip(length);
  }
  return { partition, errorCode, highWatermark, lastStableOffset, logStartOffset, aborted, records, cutOffAt: readCut(reader) };
}

/** Among the tagged fields behind a partition. */
function readCut(reader: Reader): number | undefined {
  let cutOffAt: number | undefined;
  for (let left = reader.readUnsignedVarInt(); left > 0; left--) {
    const tag = reader.readUnsignedVarInt();
    const end = reader.readUnsignedVarInt() + reader.position;
    if (tag === DIVERGING_EPOCH) {
      reader.readInt32();
      cutOffAt = Number(reader.readInt64());
    }
    reader.skip(end - reader.position);
  }
  return cutOffAt;
}

function version(number: number): API<[request: FetchRequest], FetchResponse> {
  return createAPI(1, number, (request: FetchRequest) => createRequest(number, request), parseResponse);
}

/** Newest first. */
export const FETCH: readonly API<[request: FetchRequest], FetchResponse>[] = [version(BY_ID), version(BY_NAME)];
