import { type API, createAPI, produceV9, produceV10, produceV11, Writer } from "@platformatic/kafka";

/** One record batch, complete with its header. */
export interface ProduceBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
}

export interface ProduceRequest {
  readonly transactionalId: string | undefined;
  readonly acks: number;
  readonly timeoutMs: number;
  readonly batches: readonly ProduceBatch[];
}

function createRequest({ transactionalId, acks, timeoutMs, batches }: ProduceRequest): Writer {
  const topics = Map.groupBy(batches, ({ topic }) => topic);
  return Writer.create()
    .appendString(transactionalId ?? null)
    .appendInt16(acks)
    .appendInt32(timeoutMs)
    .appendArray([...topics], (writer, [topic, partitions]) => {
      writer.appendString(topic).appendArray(partitions, (entry, { partition, bytes }) => {
        entry
          .appendInt32(partition)
          .appendUnsignedVarInt(bytes.length + 1)
          .append(bytes);
      });
    })
    .appendTaggedFields();
}

type ProduceApi = API<[request: ProduceRequest], produceV11.ProduceResponse>;

export const PRODUCE: readonly ProduceApi[] = [
  createAPI(0, 11, createRequest, produceV11.parseResponse) as ProduceApi,
  createAPI(0, 10, createRequest, produceV10.parseResponse) as ProduceApi,
  createAPI(0, 9, createRequest, produceV9.parseResponse) as ProduceApi,
];
