import { Received, type Settlement } from "millrace/adapter";
import { beforeEach, describe, expect, it } from "vitest";
import { watermillCodec } from "./codec.ts";
import { Commits } from "./commits.ts";
import type { CommitPart } from "./group-client.ts";
import { PartitionReader, type PartitionRecord } from "./partition-reader.ts";
import { BatchBuilder } from "./wire/batch-builder.ts";

let partition: PartitionReader;
let records: PartitionRecord[];
/** What is sent to the group, and the answers that it waits for. */
let sent: (readonly CommitPart[])[];
let answers: (() => void)[];
let commits: Commits;

beforeEach(() => {
  const builder = new BatchBuilder();
  for (let index = 0; index < 4; index++) builder.append({ key: undefined, value: Buffer.from("v"), headers: [] }, 1_700_000_000_000);
  partition = new PartitionReader("t", 0, 0);
  partition.addFetched(builder.finish({ identity: undefined, sequence: 0, compression: "none", transactional: false }), []);
  records = Array.from({ length: 4 }, () => partition.take() as PartitionRecord);
  sent = [];
  answers = [];
  commits = new Commits({
    partitions: () => [partition],
    send: (parts) => {
      sent.push(parts);
      return new Promise((resolve) => answers.push(() => resolve("done")));
    },
  });
});

const received = (record: PartitionRecord): Received<PartitionRecord> => new Received(watermillCodec().decode(record), record);
const settle = (...offsets: number[]): Promise<void> =>
  commits.settle(
    offsets.map((offset): Settlement<PartitionRecord> => ({ kind: "ack", message: received(records[offset] as PartitionRecord) })),
    false,
  );
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a verdict", () => {
  it("is durable when the group has the commit, and not before", async () => {
    let durable = false;
    const settling = settle(0, 1).then(() => {
      durable = true;
    });
    await turn();
    expect([sent.map((parts) => parts.map(({ offset }) => offset)), durable]).toEqual([[[2]], false]);
    answers[0]?.();
    await settling;
  });

  it("is not committed over what the group has, nor for a partition that is another's", async () => {
    partition.committed = 3;
    await settle(0, 1);
    partition.committed = -1;
    partition.dead = true;
    await settle(2);
    expect(sent).toEqual([]);
  });
});
