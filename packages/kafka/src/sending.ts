import { type Message, MillraceError, type PublishOptions } from "millrace";
import { checkPublish, equalBackoffMs, LATE, monotonicMs, publishWithinDelay, sleep, within } from "millrace/adapter";
import { type KafkaCodec, type RecordInit, watermillCodec } from "./codec.ts";
import { Outbox, type OutboxRules } from "./outbox.ts";
import { Placement } from "./placement.ts";
import { PublishJob, refusal } from "./publish-job.ts";
import { type KafkaPublisherOptions, PUBLISHER_DEFAULTS } from "./publisher-options.ts";
import { Room } from "./room.ts";
import { Topology } from "./topology.ts";
import { recordBytes } from "./wire/batch-builder.ts";
import { Cluster, type TopicInfo } from "./wire/cluster.ts";

export type SendingRules = Pick<OutboxRules, "acks" | "identity" | "transactionalId" | "prepare">;

/** The way of messages from a call of `publish` to the outbox: encoded, given room, their topic found, placed. */
export class Sending {
  readonly cluster: Cluster;
  readonly #subject: string;
  readonly #codec: KafkaCodec;
  readonly #timeoutMs: number;
  readonly #topicRefreshMs: number;
  readonly #topology: Topology;
  readonly #placement: Placement;
  readonly #outbox: Outbox;
  readonly #room: Room;
  readonly #underWay: Set<Promise<void>> = new Set();
  #lookedAt = monotonicMs();
  #closed = false;

  constructor(subject: string, options: KafkaPublisherOptions, rules: (cluster: Cluster) => SendingRules) {
    this.#subject = subject;
    this.#codec = options.codec ?? watermillCodec();
    this.#timeoutMs = options.publishTimeoutMs ?? PUBLISHER_DEFAULTS.publishTimeoutMs;
    this.#topicRefreshMs = options.topicRefreshMs ?? PUBLISHER_DEFAULTS.topicRefreshMs;
    this.cluster = new Cluster(options);
    this.#topology = new Topology(this.cluster, { provision: options.provision ?? "create", settings: options.topics });
    this.#placement = new Placement(options.partitioner);
    this.#room = new Room(options.maxWaitingBytes ?? PUBLISHER_DEFAULTS.maxWaitingBytes);
    this.#outbox = new Outbox(this.cluster, this.#topology, {
      compression: options.compression ?? "none",
      maxBatchBytes: options.maxBatchBytes ?? PUBLISHER_DEFAULTS.maxBatchBytes,
      ...rules(this.cluster),
    });
  }

  publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    let publishing: Promise<void>;
    try {
      const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message];
      checkPublish(this.#subject, topic, list, options);
      const signal = options?.signal;
      this.#checkOpen(list.length, signal);
      publishing = publishWithinDelay(this.#subject, list, 0, (some) => this.#publish(topic, some, signal));
    } catch (error) {
      return Promise.reject(error);
    }
    this.#underWay.add(publishing);
    const forget = (): void => void this.#underWay.delete(publishing);
    publishing.then(forget, forget);
    return publishing;
  }

  renewIdentity(): void {
    this.#outbox.renewIdentity();
  }

  /** Waits for what is under way: each call ends at the latest when its time is up. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
  }

  /** Lets nothing more in, waits for what is under way, and ends the connections. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.idle();
    this.#outbox.close();
    this.cluster.close();
  }

  #publish(topic: string, messages: readonly Message[], signal: AbortSignal | undefined): Promise<void> {
    const count = messages.length;
    if (count === 0) return Promise.resolve();
    let bytes = 0;
    const records: RecordInit[] = new Array(count);
    for (let index = 0; index < count; index++) {
      const record = this.#encode(topic, messages[index] as Message, count);
      bytes += recordBytes(record);
      records[index] = record;
    }
    const now = monotonicMs();
    if (now - this.#lookedAt >= this.#topicRefreshMs) this.#lookAtTopics(now);
    const deadline = now + this.#timeoutMs;
    const info = this.cluster.topic(topic);
    // The short way, without a turn: everything that is needed is known.
    if (info !== undefined && this.#room.take(bytes)) return this.#append(info, records, bytes, deadline, signal);
    return this.#appendLater(topic, records, bytes, deadline, signal);
  }

  /** Partitions may have been added. While no broker answers, what is known stays; whoever sends finds out what else is wrong. */
  #lookAtTopics(now: number): void {
    this.#lookedAt = now;
    const { known } = this.cluster;
    if (known.length > 0) this.cluster.refresh(known).catch(() => {});
  }

  #checkOpen(count: number, signal: AbortSignal | undefined): void {
    if (this.#closed) throw refusal(new MillraceError("the publisher is closed", { code: "CLOSED" }), count);
    if (count > 0 && signal?.aborted) throw refusal(aborted(signal), count);
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
        throw refusal(
          new MillraceError("no room for the messages: too much waits to be confirmed", { code: "PUBLISH_TIMEOUT", retryable: true }),
          records.length,
        );
      }
    }
    let info: TopicInfo;
    try {
      info = this.cluster.topic(topic) ?? (await this.#find(topic, deadline, signal));
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
        if (!MillraceError.is(error) || !error.retryable || this.#closed) throw error;
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
}

function aborted(signal: AbortSignal): MillraceError {
  return new MillraceError("the publish was aborted", { code: "PUBLISH_ABORTED", cause: signal.reason });
}
