import { MillraceError } from "millrace";
import { backoffMs, laterTurn, monotonicMs, type PublishCall, startTimer, stopTimer, type TimerHandle, wallMs } from "millrace/adapter";
import { type BatchAnswer, readAnswer } from "./batch-answer.ts";
import type { RecordInit } from "./codec.ts";
import { type Batch, PartitionQueue } from "./partition-queue.ts";
import type { Topology } from "./topology.ts";
import type { BatchIdentity, Compression } from "./wire/batch-builder.ts";
import type { BrokerLinks } from "./wire/broker-links.ts";
import type { Cluster } from "./wire/cluster.ts";
import { PRODUCE } from "./wire/produce-api.ts";

export interface OutboxRules {
  readonly acks: number;
  readonly compression: Compression;
  readonly maxBatchBytes: number;
  readonly transactionalId?: string | undefined;
  /** Undefined where the broker is not to remove repeats. */
  readonly identity: (() => Promise<BatchIdentity>) | undefined;
  /** Called before partitions are written to: a transaction has to name them first. */
  readonly prepare?: ((queues: readonly PartitionQueue[]) => Promise<void>) | undefined;
  /** Told of what stands in the way, and with `undefined` that the broker takes messages. */
  readonly onTrouble: (error: unknown) => void;
}

/** Requests under way per broker: one is encoded and sent while the broker writes the other. Never two for one partition. */
const AT_ONCE = 2;
const REQUEST_BYTES = 16 * 1024 * 1024;
const RETRY = { minDelayMs: 20, maxDelayMs: 1000 };

/**
 * Sends what is published: everything that gathered for a broker in one request, one batch a partition. What gets no answer is
 * repeated byte for byte until its calls' time is up; the broker knows repeats by their identity and number.
 */
export class Outbox {
  readonly #cluster: Cluster;
  readonly #topology: Topology;
  readonly #rules: OutboxRules;
  readonly #links: BrokerLinks;
  /** Of every partition that was ever written to, by topic and number. */
  readonly #queues: Map<string, PartitionQueue[]> = new Map();
  readonly #waiting: Set<PartitionQueue> = new Set();
  readonly #underWay: Map<number, number> = new Map();
  #scheduled = false;
  /** The last request held one message. */
  #single = false;
  #retryTimer: TimerHandle | undefined;
  #looking = false;
  /** Calls have failed: what was not sent of them is to be taken out. */
  #littered = false;

  constructor(cluster: Cluster, topology: Topology, rules: OutboxRules) {
    this.#cluster = cluster;
    this.#topology = topology;
    this.#rules = rules;
    this.#links = cluster.links({ atOnce: AT_ONCE });
  }

  append(topic: string, partition: number, init: RecordInit, call: PublishCall<RecordInit>, index: number): void {
    let queues = this.#queues.get(topic);
    if (queues === undefined) this.#queues.set(topic, (queues = []));
    const queue = (queues[partition] ??= new PartitionQueue(topic, partition, this.#rules.maxBatchBytes));
    queue.append(init, wallMs(), call, index);
    this.#waiting.add(queue);
    this.#schedule();
  }

  /** A call has failed: what was not sent of it is taken out, in the next turn, once for all that fail in this one. */
  sweep(): void {
    this.#littered = true;
    this.#schedule();
  }

  /** What comes next goes under a fresh identity. */
  renewIdentity(): void {
    for (const queues of this.#queues.values()) for (const queue of queues) queue?.renewIdentity();
  }

  close(): void {
    stopTimer(this.#retryTimer);
    this.#links.close();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const send = (): void => {
      this.#scheduled = false;
      this.#send();
    };
    // Not in this turn: the calls that the same turn still makes are to share the request. Who sends one by one waits for nobody.
    if (this.#single) queueMicrotask(send);
    else laterTurn(send);
  }

  #send(): void {
    const now = monotonicMs();
    const ready = new Map<number, PartitionQueue[]>();
    let wakeMs = Number.POSITIVE_INFINITY;
    let lost = false;
    if (this.#littered) for (const queue of this.#waiting) queue.sweep();
    this.#littered = false;
    for (const queue of this.#waiting) {
      if (queue.batches.length === 0) {
        if (queue.sending) continue;
        this.#waiting.delete(queue);
        queue.rest();
        continue;
      }
      if (queue.sending) continue;
      if (queue.notBefore > now) {
        wakeMs = Math.min(wakeMs, queue.notBefore - now);
        continue;
      }
      const leader = this.#leaderOf(queue);
      if (leader < 0) lost = true;
      else if ((this.#underWay.get(leader) ?? 0) < AT_ONCE) ready.set(leader, [...(ready.get(leader) ?? []), queue]);
    }
    if (lost) this.#look();
    if (wakeMs !== Number.POSITIVE_INFINITY) {
      stopTimer(this.#retryTimer);
      this.#retryTimer = startTimer(() => this.#schedule(), wakeMs);
    }
    for (const [leader, queues] of ready) void this.#sendTo(leader, queues);
  }

  async #sendTo(leader: number, queues: readonly PartitionQueue[]): Promise<void> {
    for (const queue of queues) queue.sending = true;
    this.#underWay.set(leader, (this.#underWay.get(leader) ?? 0) + 1);
    let sent: (readonly [PartitionQueue, Batch])[] = [];
    try {
      // A message that is sent alone is not to wait for what is there already.
      if (queues.some((queue) => queue.identity === undefined)) await this.#identify(queues);
      if (this.#rules.prepare !== undefined) await this.#rules.prepare(queues);
      const broker = this.#cluster.brokers.get(leader);
      if (broker === undefined) throw new MillraceError(`broker ${leader} is gone`, { code: "BROKER_UNREACHABLE", retryable: true });
      const connection = this.#links.connected(broker) ?? (await this.#links.connect(broker));
      sent = this.#seal(queues);
      this.#single = sent.length === 1 && sent[0]?.[1].builder.count === 1;
      if (sent.length > 0) {
        for (const [, batch] of sent) batch.doubts++;
        const answer = await this.#links.send(connection, PRODUCE, {
          transactionalId: this.#rules.transactionalId,
          acks: this.#rules.acks,
          timeoutMs: this.#cluster.requestTimeoutMs,
          batches: sent.map(([{ topic, partition }, { bytes }]) => ({ topic, partition, bytes: bytes as Buffer })),
        });
        for (const [queue, batch] of sent) this.#onAnswer(queue, batch, readAnswer(answer, queue.topic, queue.partition));
      }
    } catch (error) {
      this.#onFailure(queues, sent, error);
    }
    for (const queue of queues) queue.sending = false;
    this.#underWay.set(leader, (this.#underWay.get(leader) ?? 1) - 1);
    this.#schedule();
  }

  async #identify(queues: readonly PartitionQueue[]): Promise<void> {
    const { identity } = this.#rules;
    const nameless = queues.filter((queue) => queue.identity === undefined);
    if (identity === undefined || nameless.length === 0) return;
    const fresh = await identity();
    for (const queue of nameless) {
      queue.identity = fresh;
      queue.sequence = 0;
    }
  }

  #seal(queues: readonly PartitionQueue[]): (readonly [PartitionQueue, Batch])[] {
    const sealed: (readonly [PartitionQueue, Batch])[] = [];
    const seal = { compression: this.#rules.compression, transactional: this.#rules.transactionalId !== undefined };
    let bytes = 0;
    for (const queue of queues) {
      if (bytes > REQUEST_BYTES) break; // the others go with the next request
      const batch = queue.seal(seal);
      if (batch === undefined) continue; // withdrawn meanwhile
      bytes += batch.bytes?.length ?? 0;
      sealed.push([queue, batch]);
    }
    return sealed;
  }

  #onAnswer(queue: PartitionQueue, batch: Batch, { kind, error }: BatchAnswer): void {
    switch (kind) {
      case "written":
        queue.shiftWritten();
        queue.failures = 0;
        this.#rules.onTrouble(undefined);
        batch.decide("confirmed");
        return;
      case "again":
        batch.doubts--;
        this.#later(queue, error);
        return;
      case "doubtful":
        if (this.#rules.identity === undefined) {
          // Nobody would remove the repeat.
          queue.batches.shift();
          batch.decide("unknown", error);
        } else this.#later(queue, error);
        return;
      case "in part":
        if (batch.builder.count > 1) {
          queue.unseal(batch);
          batch.unsent();
          queue.batches.splice(0, 1, ...batch.halves());
          return;
        }
        break;
      case "renumber": {
        // The broker has forgotten this producer, or has never had what came before. If this was its first try, it is not in the log.
        const first = queue.failures === 0;
        queue.unseal(batch);
        queue.renewIdentity();
        queue.failures++;
        if (first) batch.unsent();
        else {
          queue.batches.shift();
          batch.decide("unknown", error);
        }
        return;
      }
      case "refused":
        break;
    }
    queue.unseal(batch);
    queue.batches.shift();
    batch.decide("rejected", error);
  }

  #onFailure(queues: readonly PartitionQueue[], sent: readonly (readonly [PartitionQueue, Batch])[], error: unknown): void {
    this.#rules.onTrouble(error);
    this.#single = false; // who tries again without end leaves the event loop its turns
    const fatal = MillraceError.is(error) && !error.retryable;
    for (const queue of queues) {
      const batch = sent.find(([each]) => each === queue)?.[1] ?? queue.batches[0];
      if (batch === undefined) continue;
      const written = batch.bytes !== undefined && sent.some(([each]) => each === queue);
      if (fatal || (written && this.#rules.identity === undefined)) {
        // Nobody would remove the repeat.
        queue.batches.shift();
        if (batch.bytes !== undefined) queue.renewIdentity();
        batch.decide(batch.bytes !== undefined ? "unknown" : "rejected", error);
      } else this.#later(queue, error);
    }
  }

  /** Tries again after a while, with a fresh look at who leads. */
  #later(queue: PartitionQueue, error: unknown): void {
    this.#rules.onTrouble(error);
    queue.failures++;
    queue.notBefore = monotonicMs() + backoffMs(queue.failures, RETRY);
    this.#cluster.forget(queue.topic);
    const [batch] = queue.batches;
    if (batch === undefined || batch.bytes === undefined || batch.wanted) return;
    queue.batches.shift(); // nobody waits for it any more
    if (batch.doubts > 0) queue.renewIdentity();
    else queue.unseal(batch);
  }

  /** Looks up the topics whose leaders are not known. */
  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    const leaderless = [...this.#waiting].filter((queue) => this.#leaderOf(queue) < 0);
    const all = [...new Set(leaderless.map(({ topic }) => topic))].map(async (topic) => {
      const failure: unknown = await this.#topology.ensure(topic).then(
        () => undefined,
        (error: unknown) => error,
      );
      for (const queue of this.#waiting) {
        if (queue.topic !== topic || queue.sending || this.#leaderOf(queue) >= 0) continue;
        const none = new MillraceError(`partition ${queue.partition} has no leader`, { code: "BROKER_UNREACHABLE", retryable: true });
        this.#onFailure([queue], [], failure ?? none);
      }
    });
    void Promise.all(all).then(() => {
      this.#looking = false;
      this.#schedule();
    });
  }

  /** −1 where none is known that could be asked. */
  #leaderOf({ topic, partition }: PartitionQueue): number {
    const leader = this.#cluster.topic(topic)?.leaders[partition] ?? -1;
    return this.#cluster.brokers.has(leader) ? leader : -1;
  }
}
