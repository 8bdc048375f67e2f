import type { Intake, Received } from "millrace/adapter";
import { expect, it } from "vitest";
import { watermillCodec } from "./codec.ts";
import { Dispenser } from "./dispenser.ts";
import { PartitionReader, type PartitionRecord } from "./partition-reader.ts";
import type { ReadingRules } from "./reading-rules.ts";
import { BatchBuilder } from "./wire/batch-builder.ts";

it("that cannot hand a record out breaks its session, visibly, and is not busy for ever", () => {
  const builder = new BatchBuilder();
  for (const text of ["one", "two"]) builder.append({ key: undefined, value: Buffer.from(text), headers: [] }, 1);
  const partition = new PartitionReader("t", 0, 0);
  partition.addFetched(builder.finish({ identity: undefined, sequence: 0, compression: "none", transactional: false }), []);
  const failures: unknown[] = [];
  const delivered: number[] = [];
  let bad = true;
  const intake = {
    deliver: ({ receipt }: Received<PartitionRecord>) => {
      if (bad) throw new RangeError("broken");
      delivered.push(receipt.offset);
    },
    fail: (error: unknown) => void failures.push(error),
    blocked: () => {},
  } as unknown as Intake<PartitionRecord>;
  const rules = { codec: watermillCodec(), maxGap: 100 } as unknown as ReadingRules;
  const dispenser = new Dispenser(intake, rules, { partitions: () => [partition], onHungry: () => {}, onMoved: () => {} });
  dispenser.want(2);
  expect(failures).toMatchObject([{ message: "broken" }]);
  bad = false;
  dispenser.want(2);
  expect(delivered).toEqual([1]);
});
