import { describe, expect, it } from "vitest";
import { Claim, SqlReceipt } from "./claim.ts";

function claimOf(count: number, done = ""): { claim: Claim; receipts: SqlReceipt[] } {
  const claim = new Claim(7, 1, 0, count, done);
  const receipts = Array.from({ length: count }, (_, index) => new SqlReceipt([index + 1, `m${index + 1}`, "", null, null], claim, 0));
  return { claim, receipts };
}

describe("a claim", () => {
  it("is settled as far as its head goes, and tells what is settled beyond as ranges", () => {
    const { claim, receipts } = claimOf(10);
    for (const receipt of receipts) claim.add(receipt);
    for (const offset of [1, 2, 4, 5, 6, 9]) claim.settle(receipts[offset - 1] as SqlReceipt);
    expect(claim.report().parts).toEqual([{ after: 0, upto: 10, settledTo: 2, done: "4-6,9", keep: true }]);
    claim.settle(receipts[2] as SqlReceipt);
    expect(claim.report().parts).toMatchObject([{ settledTo: 6, done: "9" }]);
    for (const receipt of receipts) claim.settle(receipt);
    expect(claim.isSettled).toBe(true);
    expect(claim.report().parts).toMatchObject([{ settledTo: 10, done: "" }]);
  });

  it("is cut where messages are given back, and goes on with the parts it keeps", () => {
    const { claim, receipts } = claimOf(6);
    for (const receipt of receipts) claim.add(receipt);
    claim.settle(receipts[0] as SqlReceipt);
    for (const offset of [3, 4, 6]) claim.giveBack(receipts[offset - 1] as SqlReceipt);
    const { parts } = claim.report();
    expect(parts).toEqual([
      { after: 0, upto: 2, settledTo: 1, done: "", keep: true },
      { after: 2, upto: 4, settledTo: 2, done: "", keep: false },
      { after: 4, upto: 5, settledTo: 4, done: "", keep: true },
      { after: 5, upto: 6, settledTo: 5, done: "", keep: false },
    ]);
    const [first, second] = claim.split(parts, [20, 21]);
    expect([first?.id, second?.id]).toEqual([20, 21]);
    expect(receipts[1]?.claim).toBe(first);
    expect(receipts[4]?.claim).toBe(second);
    second?.settle(receipts[4] as SqlReceipt);
    expect(second?.isSettled).toBe(true);
    expect(first?.isSettled).toBe(false);
  });

  it("keeps what an earlier owner had settled out of order", () => {
    const { claim, receipts } = claimOf(10, "3-5,8");
    for (const offset of [1, 2, 6, 7, 9, 10]) claim.add(receipts[offset - 1] as SqlReceipt);
    expect(claim.report().parts).toMatchObject([{ settledTo: 0, done: "3-5,8" }]);
    claim.settle(receipts[0] as SqlReceipt);
    claim.settle(receipts[1] as SqlReceipt);
    expect(claim.report().parts).toMatchObject([{ settledTo: 5, done: "8" }]);
    for (const offset of [6, 7, 9, 10]) claim.settle(receipts[offset - 1] as SqlReceipt);
    expect(claim.isSettled).toBe(true);
  });
});
