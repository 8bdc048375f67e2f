import { MillraceError } from "millrace";
import { monotonicMs, type PublishCall, PublishCalls, whileBusy } from "millrace/adapter";
import { type RecordInit, watermillCodec } from "./codec.ts";
import { Outbox, type OutboxRules } from "./outbox.ts";
import { Placement } from "./placement.ts";
import { type KafkaPublisherOptions, PUBLISHER_DEFAULTS } from "./publisher-options.ts";
import { Topology } from "./topology.ts";
import { recordBytes } from "./wire/batch-builder.ts";
import { Cluster, type TopicInfo } from "./wire/cluster.ts";

export type SendingRules = Pick<OutboxRules, "acks" | "identity" | "transactionalId" | "prepare">;

const RETRY = { minDelayMs: 50, maxDelayMs: 1000 };

/** The way of messages from a call of `publish` to the outbox: encoded, given room, their topic found, placed. */
export class Sending {
  readonly cluster: Cluster;
  readonly #topicRefreshMs: number;
  readonly #topology: Topology;
  readonly #placement: Placement;
  readonly #outbox: Outbox;
  readonly calls: PublishCalls<RecordInit>;
  /** Calls whose topic is being looked up, in order. */
  readonly #finding: Map<string, PublishCall<RecordInit>[]> = new Map();
  readonly #stop: AbortController = new AbortController();
  #lookedAt = monotonicMs();

  constructor(subject: string, options: KafkaPublisherOptions, rules: (cluster: Cluster) => SendingRules) {
    const codec = options.codec ?? watermillCodec();
    this.#topicRefreshMs = options.topicRefreshMs ?? PUBLISHER_DEFAULTS.topicRefreshMs;
    this.cluster = new Cluster(options);
    this.#topology = new Topology(this.cluster, { provision: options.provision ?? "create", settings: options.topics });
    this.#placement = new Placement(options.partitioner);
    this.#outbox = new Outbox(this.cluster, this.#topology, {
      compression: options.compression ?? "none",
      maxBatchBytes: options.maxBatchBytes ?? PUBLISHER_DEFAULTS.maxBatchBytes,
      onTrouble: (error) => {
        this.calls.trouble = error;
      },
      ...rules(this.cluster),
    });
    this.calls = new PublishCalls(
      {
        subject,
        adapter: "kafka",
        otherCode: "KAFKA_ERROR",
        timeoutMs: options.publishTimeoutMs ?? PUBLISHER_DEFAULTS.publishTimeoutMs,
        maxWaitingBytes: options.maxWaitingBytes ?? PUBLISHER_DEFAULTS.maxWaitingBytes,
        logger: this.cluster.logger,
      },
      {
        encode: (topic, message) => codec.encode(topic, message),
        bytesOf: recordBytes,
        late: (text) => this.#late(text),
      },
      { begin: (call) => this.#begin(call), onFailed: () => this.#outbox.sweep() },
    );
  }

  renewIdentity(): void {
    this.#outbox.renewIdentity();
  }

  /** Ends the connections: no call is under way. */
  close(): void {
    this.#stop.abort();
    this.#outbox.close();
    this.cluster.close();
  }

  #begin(call: PublishCall<RecordInit>): void {
    const before = this.#finding.get(call.lane);
    if (before !== undefined) {
      before.push(call);
      return;
    }
    const now = monotonicMs();
    if (now - this.#lookedAt >= this.#topicRefreshMs) this.#lookAtTopics(now);
    const info = this.cluster.topic(call.lane);
    if (info !== undefined) this.#append(info, call);
    else void this.#find(call);
  }

  /** Partitions may have been added. While no broker answers, what is known stays; whoever sends finds out what else is wrong. */
  #lookAtTopics(now: number): void {
    this.#lookedAt = now;
    const { known } = this.cluster;
    if (known.length > 0) this.cluster.refresh(known).catch(() => {});
  }

  /** Looks the topic's partitions up, for as long as a call waits for them while no broker can be reached. */
  async #find(first: PublishCall<RecordInit>): Promise<void> {
    const topic = first.lane;
    const calls = [first];
    this.#finding.set(topic, calls);
    let act: (call: PublishCall<RecordInit>) => void;
    try {
      const info = await whileBusy(() => this.#topology.ensure(topic), {
        ...RETRY,
        signal: this.#stop.signal,
        isBusy: (error) => MillraceError.is(error) && error.retryable && calls.some(({ ended }) => !ended),
        onBusy: (error) => {
          this.calls.trouble = error;
        },
      });
      act = (call) => this.#append(info, call);
    } catch (error) {
      act = (call) => call.giveUp(error);
    }
    this.#finding.delete(topic);
    for (const call of calls) if (!call.ended) act(call);
  }

  #append(info: TopicInfo, call: PublishCall<RecordInit>): void {
    const { items, count } = call;
    try {
      for (let index = 0; index < count; index++) {
        const record = items[index] as RecordInit;
        this.#outbox.append(info.name, this.#placement.partitionOf(info, record), record, call, index);
      }
      call.items = []; // copied
    } catch (error) {
      call.giveUp(error);
    }
  }

  #late(text: string): MillraceError | undefined {
    const { trouble } = this.calls;
    if (MillraceError.is(trouble) && trouble.code === "BROKER_UNREACHABLE") return undefined;
    return new MillraceError(text, { code: "PUBLISH_TIMEOUT", retryable: true, cause: trouble });
  }
}
