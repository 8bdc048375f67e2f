import { describe, expect, it } from "vitest";
import { AckLedger } from "./ack-ledger.ts";

function ledgerOf(count: number): { readonly ledger: AckLedger; told(): (readonly [number, boolean])[] } {
  const ledger = new AckLedger();
  for (let tag = 1; tag <= count; tag++) ledger.deliver(tag);
  return {
    ledger,
    told: () => {
      const sent: (readonly [number, boolean])[] = [];
      ledger.flush((tag, multiple) => sent.push([tag, multiple]));
      return sent;
    },
  };
}

describe("AckLedger", () => {
  it("tells of a contiguous run with one ack", () => {
    const { ledger, told } = ledgerOf(5);
    for (const tag of [2, 1, 3]) ledger.ack(tag);
    expect(told()).toEqual([[3, true]]);
    expect(ledger.open).toBe(2);
    expect(told()).toEqual([]);
  });

  it("tells one by one of what is beyond the first open delivery", () => {
    const { ledger, told } = ledgerOf(5);
    for (const tag of [1, 3, 5]) ledger.ack(tag);
    expect(told()).toEqual([
      [1, false],
      [3, false],
      [5, false],
    ]);
  });

  it("never names a tag that the broker has forgotten: that would be an error, with everything acked", () => {
    const { ledger, told } = ledgerOf(4);
    ledger.ack(2);
    ledger.ack(3);
    expect(told()).toEqual([
      [2, false],
      [3, false],
    ]);
    ledger.ack(1);
    expect(told()).toEqual([[1, false]]);
    ledger.take(4);
    expect(told()).toEqual([]);
  });

  it("acks over what was given back in between", () => {
    const { ledger, told } = ledgerOf(3);
    ledger.take(2);
    ledger.ack(1);
    ledger.ack(3);
    expect(told()).toEqual([[3, true]]);
  });

  it("takes one verdict a delivery", () => {
    const { ledger } = ledgerOf(2);
    expect(ledger.ack(1)).toBe(true);
    expect(ledger.ack(1)).toBe(false);
    expect(ledger.take(1)).toBe(false);
    expect(ledger.ack(3)).toBe(false);
    expect(ledger.untold).toBe(2);
  });

  it("charges to a new consumer only what came since it began", () => {
    const { ledger } = ledgerOf(3);
    ledger.mark();
    expect(ledger.charged).toBe(0);
    ledger.deliver(4);
    ledger.ack(2);
    expect(ledger.charged).toBe(1);
    ledger.take(4);
    expect(ledger.charged).toBe(0);
  });

  it("keeps count over thousands of deliveries in any order", () => {
    const ledger = new AckLedger();
    const outstanding = new Set<number>();
    let next = 1;
    for (let step = 0; step < 20_000; step++) {
      if (outstanding.size < 500 && step % 3 !== 0) {
        ledger.deliver(next);
        outstanding.add(next++);
        continue;
      }
      const tags = [...outstanding];
      const tag = tags[(step * 7919) % Math.max(1, tags.length)];
      if (tag === undefined) continue;
      ledger.ack(tag);
      if (step % 50 === 0) {
        ledger.flush((told, multiple) => {
          expect(outstanding.has(told)).toBe(true);
          for (const each of [...outstanding]) if (each === told || (multiple && each < told)) outstanding.delete(each);
        });
        expect(ledger.open).toBe(ledger.untold);
        expect(outstanding.size).toBe(ledger.open);
      }
    }
  });
});
