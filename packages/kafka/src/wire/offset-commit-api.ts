import { type API, createAPI, type Reader, Writer } from "@platformatic/kafka";

export interface CommitRequest {
  readonly group: string;
  readonly generation: number;
  readonly memberId: string;
  readonly topic: string;
  /** A commit meant for another topic of the same name is refused, where the broker knows ids here (Kafka 4.1). */
  readonly topicId: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly offset: number;
    /** The leader epoch of the record before that offset, −1 where it is not known. */
    readonly epoch: number;
    readonly note: string;
  }[];
}

/** Error codes, one a partition. */
export type CommitResponse = readonly number[];

const BY_ID = 10;

function createRequest(version: number, { group, generation, memberId, topic, topicId, partitions }: CommitRequest): Writer {
  return Writer.create()
    .appendString(group)
    .appendInt32(generation)
    .appendString(memberId)
    .appendString(null) // no fixed member
    .appendArray([topic], (writer) => {
      const named = version >= BY_ID ? writer.appendUUID(topicId) : writer.appendString(topic);
      named.appendArray([...partitions], (entry, { partition, offset, epoch, note }) => {
        entry.appendInt32(partition).appendInt64(BigInt(offset)).appendInt32(epoch).appendString(note);
      });
    })
    .appendTaggedFields();
}

function parseResponse(_correlationId: number, _key: number, version: number, reader: Reader): CommitResponse {
  reader.readInt32(); // throttling: the broker holds the answer back by itself
  const topics = reader.readArray((topic) => {
    if (version >= BY_ID) topic.readUUID();
    else topic.readString();
    return topic.readArray((partition) => {
      partition.readInt32();
      return partition.readInt16();
    });
  });
  return topics.flat();
}

function version(number: number): API<[request: CommitRequest], CommitResponse> {
  return createAPI(8, number, (request: CommitRequest) => createRequest(number, request), parseResponse);
}

/** Newest first. */
export const OFFSET_COMMIT: readonly API<[request: CommitRequest], CommitResponse>[] = [version(BY_ID), version(9), version(8)];
