import { type Message, MillraceError, type Publisher, type PublishOptions } from "millrace";
import { checkPublish, equalBackoffMs, LATE, monotonicMs, sleep, within } from "millrace/adapter";
import { type KafkaCodec, type RecordInit, watermillCodec } from "./codec.ts";
import { Outbox } from "./outbox.ts";
import { Placement } from "./placement.ts";
import { ProducerIdentity } from "./producer-identity.ts";
import { PublishJob, refusal } from "./publish-job.ts";
import { checkPublisher, type KafkaPublisherOptions, PUBLISHER_DEFAULTS } from "./publisher-options.ts";
import { Room } from "./room.ts";
import { Topology } from "./topology.ts";
import { recordBytes } from "./wire/batch-builder.ts";
import { Cluster, type TopicInfo } from "./wire/cluster.ts";

/**
 * Appends messages to topics. `publish` resolves when the in-sync replicas have confirmed every message.
 *
 * - Calls under way at once share requests; a large call is cut into as many batches as it takes.
 * - What got no answer is sent again until the call's time is up; the broker removes repeats (`idempotent`). Messages of one key
 *   keep their order, through retries too. Messages without a key go to any partition.
 * - A topic that is not there is made (`provision: "create"`), or rejects with `TOPIC_MISSING`.
 * - Rejects with a `PublishError` that says of each message whether it was confirmed: `BROKER_UNREACHABLE`, `PUBLISH_TIMEOUT`,
 *   `PUBLISH_ABORTED`, `MESSAGE_TOO_LARGE`, `TOPIC_MISSING`, `BAD_TOPIC`, `ACCESS_DENIED`, `AUTHENTICATION_FAILED`, `UNENCODABLE`,
 *   `KAFKA_ERROR`; after `close()` with `CLOSED`.
 *
 * ```ts
 * const publisher = new KafkaPublisher({ url: "kafka://localhost:9092" });
 * await publisher.publish("order.placed", Message.json({ id: "o-1" }, { key: "o-1" }));
 * await publisher.close();
 * ```
 */
export class KafkaPublisher implements Publisher {
  readonly #codec: KafkaCodec;
  readonly #timeoutMs: number;
  readonly #cluster: Cluster;
  readonly #topology: Topology;
  readonly #placement: Placement;
  readonly #outbox: Outbox;
  readonly #room: Room;
  readonly #underWay: Set<Promise<void>> = new Set();
  #closing: Promise<void> | undefined;

  constructor(options: KafkaPublisherOptions) {
    checkPublisher(options);
    const { acks = "all", idempotent = acks === "all" } = options;
    this.#codec = options.codec ?? watermillCodec();
    this.#timeoutMs = options.publishTimeoutMs ?? PUBLISHER_DEFAULTS.publishTimeoutMs;
    this.#cluster = new Cluster(options);
    this.#topology = new Topology(this.#cluster, { provision: options.provision ?? "create", settings: options.topics });
    this.#placement = new Placement(options.partitioner);
    this.#room = new Room(options.maxWaitingBytes ?? PUBLISHER_DEFAULTS.maxWaitingBytes);
    const identity = new ProducerIdentity(this.#cluster);
    this.#outbox = new Outbox(this.#cluster, this.#topology, {
      acks: acks === "all" ? -1 : 1,
      compression: options.compression ?? "none",
      maxBatchBytes: options.maxBatchBytes ?? PUBLISHER_DEFAULTS.maxBatchBytes,
      identity: idempotent ? () => identity.fresh() : undefined,
    });
  }

  publish(topic: string, messages: Message | readonly Message[], options: PublishOptions = {}): Promise<void> {
    let publishing: Promise<void>;
    try {
      publishing = this.#publish(topic, Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message], options.signal);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#underWay.add(publishing);
    const forget = (): void => void this.#underWay.delete(publishing);
    publishing.then(forget, forget);
    return publishing;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #publish(topic: string, messages: readonly Message[], signal: AbortSignal | undefined): Promise<void> {
    checkPublish("KafkaPublisher", topic, messages);
    const count = messages.length;
    if (this.#closing !== undefined) throw refusal(new MillraceError("the publisher is closed", { code: "CLOSED" }), count);
    if (count === 0) return Promise.resolve();
    if (signal?.aborted) throw refusal(aborted(signal), count);
    let bytes = 0;
    const records: RecordInit[] = new Array(count);
    for (let index = 0; index < count; index++) {
      const record = this.#encode(topic, messages[index] as Message, count);
      bytes += recordBytes(record);
      records[index] = record;
    }
    const deadline = monotonicMs() + this.#timeoutMs;
    const info = this.#cluster.topic(topic);
    // The short way, without a turn: everything that is needed is known.
    if (info !== undefined && this.#room.take(bytes)) return this.#append(info, records, bytes, deadline, signal);
    return this.#appendLater(topic, records, bytes, deadline, signal);
  }

  #encode(topic: string, message: Message, count: number): RecordInit {
    try {
      return this.#codec.encode(topic, message);
    } catch (error) {
      throw refusal(MillraceError.is(error) ? error : new MillraceError((error as Error).message, { code: "UNENCODABLE", cause: error }), count);
    }
  }

  async #appendLater(topic: string, records: readonly RecordInit[], bytes: number, deadline: number, signal: AbortSignal | undefined): Promise<void> {
    if (!this.#room.take(bytes)) {
      const { entered, leave } = this.#room.wait(bytes);
      if ((await within(entered, deadline - monotonicMs(), signal)) === LATE) {
        leave();
        if (signal?.aborted) throw refusal(aborted(signal), records.length);
        throw refusal(new MillraceError("no room for the messages: too much waits to be confirmed", { code: "PUBLISH_TIMEOUT", retryable: true }), records.length);
      }
    }
    let info: TopicInfo;
    try {
      info = this.#cluster.topic(topic) ?? (await this.#find(topic, deadline, signal));
    } catch (error) {
      this.#room.release(bytes);
      throw refusal(error, records.length);
    }
    await this.#append(info, records, bytes, deadline, signal);
  }

  /** The topic's partitions; tries for as long as the call may take while no broker can be reached. */
  async #find(topic: string, deadline: number, signal: AbortSignal | undefined): Promise<TopicInfo> {
    let trouble: unknown;
    for (let attempt = 1; ; attempt++) {
      try {
        const found = await within(this.#topology.ensure(topic), deadline - monotonicMs(), signal);
        if (found !== LATE) return found;
      } catch (error) {
        if (!MillraceError.is(error) || !error.retryable || this.#closing !== undefined) throw error;
        trouble = error;
      }
      if (signal?.aborted) throw aborted(signal);
      const waitMs = Math.min(equalBackoffMs(attempt, 50, 1000), deadline - monotonicMs());
      if (waitMs <= 0) throw trouble ?? new MillraceError("no broker answers", { code: "PUBLISH_TIMEOUT", retryable: true });
      await sleep(waitMs, signal).catch(() => {});
    }
  }

  #append(info: TopicInfo, records: readonly RecordInit[], bytes: number, deadline: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let onAbort: (() => void) | undefined;
      const job: PublishJob = new PublishJob(records.length, deadline, (error) => {
        this.#outbox.done(job);
        this.#room.release(bytes);
        if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
        if (error === undefined) resolve();
        else reject(error);
      });
      let index = 0;
      try {
        for (; index < records.length; index++) {
          const record = records[index] as RecordInit;
          this.#outbox.append(info.name, this.#placement.partitionOf(info, record), record, job, index);
        }
      } catch (error) {
        job.decide(index, records.length - index, "rejected", error);
        this.#outbox.giveUp(job, error);
        return;
      }
      if (signal !== undefined) {
        onAbort = () => this.#outbox.giveUp(job, aborted(signal));
        signal.addEventListener("abort", onAbort, { once: true });
        if (signal.aborted) onAbort();
      }
    });
  }

  async #close(): Promise<void> {
    // Each ends at the latest when its time is up.
    await Promise.allSettled([...this.#underWay]);
    this.#outbox.close();
    this.#cluster.close();
  }
}

function aborted(signal: AbortSignal): MillraceError {
  return new MillraceError("the publish was aborted", { code: "PUBLISH_ABORTED", cause: signal.reason });
}
