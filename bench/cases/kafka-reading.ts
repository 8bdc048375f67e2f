import type { Consumer, KafkaRecord } from "@platformatic/kafka";
import { type Handle, NOTE, type Reading, type ReadingWay } from "./broker-client.ts";
import { bareConsumer } from "./kafka-client.ts";

type FetchResponse = Awaited<ReturnType<Consumer["fetch"]>>;

const ID = "_watermill_message_uuid";
/** As our adapter asks. */
const [FETCH_BYTES, PARTITION_BYTES, WAIT_MS] = [8 * 1024 * 1024, 1024 * 1024, 500];
const COMMITTED_ONLY = 1;
/** As our adapter does: a commit after so many messages, if none is under way, and a turn of the event loop after so long a time. */
const [COMMIT_EVERY, SLICE_MS] = [256, 8];

/**
 * The loop on `fetch` that `@platformatic/kafka` can do best: one consumer is the member and commits, another fetches, one fetch ahead
 * of the handler.
 */
export async function readKafka(bootstrapBrokers: string[], topic: string, groupId: string, handle: Handle, way: ReadingWay): Promise<Reading> {
  const member = bareConsumer(bootstrapBrokers, groupId);
  member.topics.track(topic);
  await member.joinGroup({});
  const fetcher = bareConsumer(bootstrapBrokers, `${groupId}-fetch`);
  fetcher.topics.track(topic);
  const loop = new Loop(
    member,
    fetcher,
    topic,
    way.payloadOnly === true ? (record) => handle(record.value as Buffer, "", undefined, undefined) : decoding(handle),
  );
  const running = loop.run();
  running.catch(() => {}); // close() tells
  return {
    settled: () => loop.commit(),
    close: async () => {
      loop.closed = true;
      await fetcher.close(true);
      await running.catch(() => {});
      await member.close(true);
    },
  };
}

function decoding(handle: Handle): (record: KafkaRecord) => void {
  return ({ key, value, headers }) => {
    let id = "";
    const metadata = new Map<string, string>();
    for (const [name, text] of headers) {
      if (name?.toString() === ID) id = text?.toString() ?? "";
      else metadata.set(name?.toString() ?? "", text?.toString() ?? "");
    }
    handle(value as Buffer, id, key?.toString(), metadata.get(NOTE));
  };
}

class Loop {
  closed = false;
  readonly #member: Consumer;
  readonly #fetcher: Consumer;
  readonly #topic: string;
  readonly #onRecord: (record: KafkaRecord) => void;
  readonly #fetched = new Map<number, bigint>();
  readonly #handled = new Map<number, bigint>();
  #changed = false;
  #committing: Promise<void> | undefined;

  constructor(member: Consumer, fetcher: Consumer, topic: string, onRecord: (record: KafkaRecord) => void) {
    this.#member = member;
    this.#fetcher = fetcher;
    this.#topic = topic;
    this.#onRecord = onRecord;
  }

  async run(): Promise<void> {
    const metadata = await this.#fetcher.metadata({ topics: [this.#topic] });
    const { id = "", partitions = [] } = metadata.topics.get(this.#topic) ?? {};
    const [node = 0] = partitions.map(({ leader }) => leader);
    const begin = await this.#member.listOffsets({ topics: [this.#topic], timestamp: -2n });
    for (const [partition, offset] of (begin.get(this.#topic) ?? []).entries()) this.#fetched.set(partition, offset);
    let next = this.#fetch(id, node);
    while (!this.closed) {
      const response = await next;
      this.#advance(response);
      next = this.#fetch(id, node);
      next.catch(() => {}); // awaited in the next turn, or closed
      await this.#handle(response);
      this.#commitSoon();
    }
  }

  /** Resolves when all that was handled is committed. */
  async commit(): Promise<void> {
    while (this.#committing !== undefined) await this.#committing;
    if (!this.#changed) return;
    this.#changed = false;
    const offsets = [...this.#handled].map(([partition, offset]) => ({ topic: this.#topic, partition, offset, leaderEpoch: -1 }));
    this.#committing = this.#member.commit({ offsets }).finally(() => {
      this.#committing = undefined;
    });
    await this.#committing;
  }

  #fetch(topicId: string, node: number): Promise<FetchResponse> {
    const partitions = [...this.#fetched].map(([partition, fetchOffset]) => ({
      partition,
      fetchOffset,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      partitionMaxBytes: PARTITION_BYTES,
    }));
    return this.#fetcher.fetch({
      node,
      topics: [{ topicId, partitions }],
      maxBytes: FETCH_BYTES,
      minBytes: 1,
      maxWaitTime: WAIT_MS,
      isolationLevel: COMMITTED_ONLY,
    });
  }

  #advance({ responses }: FetchResponse): void {
    for (const { partitions } of responses) {
      for (const { partitionIndex, records } of partitions) {
        const last = records?.at(-1);
        if (last !== undefined) this.#fetched.set(partitionIndex, last.firstOffset + BigInt(last.lastOffsetDelta) + 1n);
      }
    }
  }

  #commitSoon(): void {
    if (this.#committing === undefined) this.commit().catch(() => {}); // settled() tells
  }

  async #handle({ responses }: FetchResponse): Promise<void> {
    let pause = performance.now() + SLICE_MS;
    let left = COMMIT_EVERY;
    for (const { partitions } of responses) {
      for (const { partitionIndex, records } of partitions) {
        for (const { firstOffset, lastOffsetDelta, records: all } of records ?? []) {
          for (const record of all) this.#onRecord(record);
          this.#handled.set(partitionIndex, firstOffset + BigInt(lastOffsetDelta) + 1n);
          this.#changed = true;
          left -= all.length;
          if (left > 0) continue;
          left = COMMIT_EVERY;
          this.#commitSoon();
          if (performance.now() < pause) continue;
          await new Promise((resolve) => setImmediate(resolve));
          pause = performance.now() + SLICE_MS;
        }
      }
    }
  }
}
