import { type API, createAPI, type Reader, Writer } from "@platformatic/kafka";

export interface FetchPartition {
  readonly partition: number;
  readonly offset: number;
  readonly maxBytes: number;
}

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly committedOnly: boolean;
  readonly topic: string;
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
}

export interface FetchResponse {
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

/** Version 12: the newest that names topics by name, known to every broker since 2.7. */
const VERSION = 12;

function createRequest(request: FetchRequest): Writer {
  const { topic, partitions } = request;
  return Writer.create()
    .appendInt32(-1) // no replica
    .appendInt32(request.maxWaitMs)
    .appendInt32(request.minBytes)
    .appendInt32(request.maxBytes)
    .appendInt8(request.committedOnly ? 1 : 0)
    .appendInt32(0)
    .appendInt32(-1) // no fetch session
    .appendArray([topic], (writer) => {
      writer.appendString(topic).appendArray([...partitions], (entry, { partition, offset, maxBytes }) => {
        entry.appendInt32(partition).appendInt32(-1).appendInt64(BigInt(offset)).appendInt32(-1).appendInt64(-1n).appendInt32(maxBytes);
      });
    })
    .appendArray([], () => {})
    .appendString("")
    .appendTaggedFields();
}

function parseResponse(_correlationId: number, _key: number, _version: number, reader: Reader): FetchResponse {
  reader.readInt32(); // throttling: the broker holds the answer back by itself
  const errorCode = reader.readInt16();
  reader.readInt32();
  const topics = reader.readArray((topic) => {
    topic.readString();
    return topic.readArray(readPartition);
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
  return { partition, errorCode, highWatermark, lastStableOffset, logStartOffset, aborted, records };
}

export const fetchApi: API<[request: FetchRequest], FetchResponse> = createAPI(1, VERSION, createRequest, parseResponse);
