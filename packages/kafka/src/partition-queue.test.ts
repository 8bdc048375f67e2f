import { Message } from "millrace";
import { PublishCall } from "millrace/adapter";
import { describe, expect, it } from "vitest";
import { type RecordInit, watermillCodec } from "./codec.ts";
import { PartitionQueue } from "./partition-queue.ts";

const RULES = { compression: "none", transactional: false } as const;

/** A queue for one partition, and a call for each text that is appended. */
function queueOf() {
  const queue = new PartitionQueue("t", 0, 1000);
  queue.identity = { producerId: 7n, epoch: 0 };
  const append = (text: string): PublishCall<RecordInit> => {
    const record = watermillCodec().encode("t", new Message(text));
    const keeper = { otherCode: "KAFKA_ERROR", onFailed: () => {}, onEnded: () => {} };
    const call = new PublishCall<RecordInit>(keeper, "t", [record], text.length, Number.POSITIVE_INFINITY);
    call.promise.catch(() => {});
    queue.append(record, 1_700_000_000_000, call, 0);
    return call;
  };
  return { queue, append };
}

describe("a batch that was on the wire", () => {
  it("is repeated byte for byte, under its number, whatever has come since", () => {
    const { queue, append } = queueOf();
    append("1");
    const first = queue.seal(RULES);
    const bytes = Buffer.from(first?.bytes ?? []);
    append("2");
    expect([queue.seal(RULES) === first, first?.bytes?.equals(bytes), first?.sequence, queue.batches.length]).toEqual([true, true, 0, 2]);
    queue.shiftWritten();
    expect(queue.seal(RULES)).toMatchObject({ sequence: 1, identity: { producerId: 7n, epoch: 0 } });
  });

  it("has its number used again when it surely did not enter the log, and what is new under another producer begins anew", () => {
    const { queue, append } = queueOf();
    append("1");
    const first = queue.seal(RULES);
    if (first !== undefined) queue.unseal(first);
    expect(queue.seal(RULES)?.sequence).toBe(0);
    queue.renewIdentity();
    expect([queue.identity, queue.sequence]).toEqual([undefined, 0]);
  });

  it("keeps messages whose call has ended; before that they are taken out", () => {
    const { queue, append } = queueOf();
    const sent = append("1");
    const batch = queue.seal(RULES);
    const waiting = append("2");
    for (const call of [sent, waiting]) call.giveUp(new Error("aborted"));
    queue.sweep();
    expect([queue.batches, batch?.builder.count]).toEqual([[batch], 1]);
  });
});
