import { MillraceError, silentLogger } from "millrace";
import { describe, expect, it } from "vitest";
import { until } from "../../../test/until.ts";
import { watermillCodec } from "./codec.ts";
import { type FetchHooks, FetchLoop } from "./fetch-loop.ts";
import { PartitionReader } from "./partition-reader.ts";
import type { ReadingRules } from "./reading-rules.ts";
import { BatchBuilder } from "./wire/batch-builder.ts";
import type { Cluster } from "./wire/cluster.ts";
import type { FetchedPartition, FetchRequest } from "./wire/fetch-api.ts";

const RULES: ReadingRules = {
  topic: "t",
  codec: watermillCodec(),
  committedOnly: false,
  topicRefreshMs: 30_000,
  maxGap: 10_000,
  fetchBytes: 8000,
  partitionBytes: 1000,
  logger: silentLogger,
  orderingKey: () => undefined,
};
const NOTHING: FetchedPartition = {
  partition: 0,
  errorCode: 0,
  highWatermark: 0,
  lastStableOffset: 0,
  logStartOffset: 0,
  aborted: [],
  records: undefined,
  cutOffAt: undefined,
};
const OUT_OF_RANGE = 1;

/** One record at that offset, written under a leader of that epoch. */
function record(offset: number, epoch = 0): Buffer {
  const builder = new BatchBuilder();
  builder.append({ key: undefined, value: Buffer.from("v"), headers: [] }, 1_700_000_000_000);
  const bytes = builder.finish({ identity: undefined, sequence: 0, compression: "none", transactional: false });
  bytes.writeBigInt64BE(BigInt(offset), 0);
  bytes.writeInt32BE(epoch, 12);
  return bytes;
}

/** A cluster of as many brokers as `leaders` names, which answers fetches with `answer`. */
function clusterOf(leaders: readonly number[], answer: (broker: number, request: FetchRequest) => Promise<FetchedPartition[]>) {
  const topic = { name: "t", id: "id-1", leaders };
  const counts = { refreshes: 0, topicId: topic.id };
  const info = () => ({ ...topic, id: counts.topicId });
  const links = {
    call: async (broker: { readonly port: number }, _versions: unknown, request: FetchRequest) => ({
      errorCode: 0,
      partitions: await answer(broker.port, request),
    }),
    close: () => {},
  };
  const cluster = {
    brokers: new Map([...new Set(leaders)].map((id) => [id, { host: "b", port: id }])),
    links: () => links,
    topic: info,
    refresh: async () => {
      counts.refreshes++;
      return new Map([["t", info()]]);
    },
  };
  return { cluster: cluster as unknown as Cluster, counts };
}

function loopOver(cluster: Cluster, partitions: readonly PartitionReader[], hooks: Partial<FetchHooks> = {}): FetchLoop {
  return new FetchLoop(cluster, RULES, {
    topicId: () => "id-1",
    partitions: () => partitions,
    hungry: () => true,
    onFetched: () => {},
    onTrouble: () => {},
    onCutOff: () => {},
    onBlocked: () => {},
    ...hooks,
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("FetchLoop", () => {
  it("asks first for the partitions that got nothing last time, so that all get their share of an answer that does not hold all", async () => {
    const partitions = Array.from({ length: 24 }, (_, index) => new PartitionReader("t", index, 0));
    const served: number[] = [];
    const { cluster } = clusterOf(Array(24).fill(1), async (_, { partitions: asked }) => {
      await pause(1);
      const first = asked.slice(0, 8);
      served.push(...first.map(({ partition }) => partition));
      return first.map(({ partition, offset }) => ({ ...NOTHING, partition, records: record(offset) }));
    });
    const loop = loopOver(cluster, partitions, {
      onFetched: () => {
        for (const partition of partitions) while (partition.take() !== undefined);
      },
    });
    loop.run();
    await until(() => served.length >= 48, "six answers came");
    loop.close();
    expect(served.slice(0, 24)).toEqual(Array.from({ length: 24 }, (_, index) => index));
    expect(served.slice(24, 48)).toEqual(served.slice(0, 24));
  });

  it("looks ever less often for the leader of some partitions while others are read, says which wait, and when it is over", async () => {
    let dead = true;
    const partitions = [new PartitionReader("t", 0, 0), new PartitionReader("t", 1, 0)];
    let tries = 0;
    const { cluster, counts } = clusterOf([1, 2], async (broker, { partitions: asked }) => {
      if (broker === 2 && dead) {
        tries++;
        throw new MillraceError("b:2 cannot be reached", { code: "BROKER_UNREACHABLE", retryable: true });
      }
      await pause(2);
      return asked.map(({ partition, offset }) => ({ ...NOTHING, partition, records: record(offset) }));
    });
    const blocked: (string | undefined)[] = [];
    const loop = loopOver(cluster, partitions, {
      onFetched: () => {
        for (const partition of partitions) while (partition.take() !== undefined);
      },
      onBlocked: (detail) => blocked.push(detail),
    });
    loop.run();
    await pause(2000);
    expect(partitions[0]?.position).toBeGreaterThan(50);
    expect(counts.refreshes).toBeLessThan(12);
    expect(tries).toBeLessThan(12);
    expect(blocked).toEqual(["partition 1 has no leader that answers"]);
    dead = false;
    await until(() => (partitions[1]?.position ?? 0) > 0, "the other one is read");
    loop.close();
    expect(blocked).toEqual(["partition 1 has no leader that answers", undefined]);
  });

  it("reads nothing of another topic of the same name", async () => {
    const partition = new PartitionReader("t", 0, 5);
    const troubles: unknown[] = [];
    const asked: FetchRequest[] = [];
    const { cluster, counts } = clusterOf([1], async (_, request) => {
      asked.push(request);
      await pause(1);
      counts.topicId = "id-2";
      return [{ ...NOTHING }];
    });
    const loop = loopOver(cluster, [partition], { onTrouble: (error) => troubles.push(error) });
    loop.run();
    await until(() => troubles.length > 0, "it says so");
    loop.close();
    expect(troubles[0]).toMatchObject({ code: "TOPIC_MISSING", retryable: true });
    expect(asked.map(({ topicId }) => topicId)).toEqual(["id-1"]);
  });

  it("tells the broker by which leader the last record was written, and goes back to where a log was cut off", async () => {
    const partition = new PartitionReader("t", 0, 5, [], undefined, 3);
    const epochs: number[] = [];
    const cuts: number[] = [];
    const { cluster } = clusterOf([1], async (_, { partitions: [asked] }) => {
      await pause(1);
      epochs.push(asked?.lastEpoch ?? Number.NaN);
      return [epochs.length === 1 ? { ...NOTHING, records: record(5, 4) } : { ...NOTHING, cutOffAt: 4 }];
    });
    const loop: FetchLoop = loopOver(cluster, [partition], {
      onCutOff: (_, end) => {
        cuts.push(end);
        loop.close();
      },
    });
    loop.run();
    await until(() => cuts.length > 0, "it goes back");
    expect(epochs).toEqual([3, 4]);
    expect(cuts).toEqual([4]);
  });

  it("goes back to the log's beginning where the log ends before the position and nobody knows since when, and on where it was deleted", async () => {
    const behind = new PartitionReader("t", 0, 50);
    const before = new PartitionReader("t", 1, 2);
    const cuts: [number, number][] = [];
    const { cluster } = clusterOf([1, 1], async (_, { partitions: asked }) => {
      await pause(1);
      return asked.map(({ partition, offset }) =>
        partition === 1 && offset >= 7 ? { ...NOTHING, partition } : { ...NOTHING, partition, errorCode: OUT_OF_RANGE, logStartOffset: 7 },
      );
    });
    const loop: FetchLoop = loopOver(cluster, [behind, before], { onCutOff: ({ index }, end) => cuts.push([index, end]) });
    loop.run();
    await until(() => cuts.length > 0 && before.position === 7, "both go on");
    loop.close();
    expect(cuts[0]).toEqual([0, 7]);
    expect(cuts.some(([index]) => index === 1)).toBe(false);
  });
});
