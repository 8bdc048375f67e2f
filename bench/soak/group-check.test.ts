import { describe, expect, it } from "vitest";
import { KEY_COUNT } from "./content.ts";
import { Fault, type FaultKind } from "./fault.ts";
import { GroupCheck, type OrderRules } from "./group-check.ts";
import { KIND } from "./kinds.ts";
import { Problems } from "./problems.ts";

const COUNT = 3 * KEY_COUNT;
const STRICT: OrderRules = { acrossMembers: true, oneMemberPerKey: true };
const LOOSE: OrderRules = { acrossMembers: false, oneMemberPerKey: false };

describe("what a soak proves of a group", () => {
  it("counts what is handled and names what is not", () => {
    const { check, handle, problems } = checked();
    const late = 2 * KEY_COUNT + 7; // the last of its key
    for (let sequence = 0; sequence < COUNT; sequence++) if (sequence !== late) handle(1, sequence);
    expect(check.handledTo).toBe(late);
    expect(check.missing).toEqual([late]);
    handle(2, late);
    expect([check.handledTo, check.missing, check.firsts, problems.count]).toEqual([COUNT, [], COUNT, 0]);
  });

  it("counts a message whose ack was refused as not handled", () => {
    const { check, handle } = checked();
    handle(1, 0);
    check.take(KIND.lost, 1, 0, 1);
    expect(check.handledTo).toBe(0);
    expect(check.missing).toContain(0);
  });

  it("finds a message that comes again without a fault", () => {
    const { handle, problems } = checked();
    handle(1, 0);
    handle(2, 0);
    expect(problems.shown).toEqual(["group g: message 0 was handed out again without any fault; member 1 had it before"]);
  });

  it("lets a killed member's messages come again, as many as it had in hand", () => {
    const { check, handle, begin, end, problems } = checked();
    handle(1, 0);
    handle(1, 1);
    check.take(KIND.flushed, 1, 1, 0);
    check.take(KIND.handed, 1, 2, 1);
    const fault = begin("kill", 1);
    handle(2, 1);
    handle(2, 2);
    end(fault);
    expect([fault.inFlight, fault.unflushed, fault.bound, fault.duplicates, fault.flushedDuplicates]).toEqual([1, 1, 2, 2, 0]);
    expect([fault.problems(), problems.count]).toEqual([[], 0]);
  });

  it("finds what comes again after flush had called it durable", () => {
    const { check, handle, begin, end } = checked();
    handle(1, 0);
    check.take(KIND.flushed, 1, 1, 0);
    check.take(KIND.handed, 1, 1, 1);
    const fault = begin("kill", 1);
    handle(2, 0);
    end(fault);
    expect(fault.problems()).toEqual(["fault 1 (kill) repeated 1 messages whose acks were durable, as flush had said; at most 0 may be"]);
  });

  it("does not take acks for durable that a failed flush has left in doubt", () => {
    const { check, handle, begin, end } = checked();
    handle(1, 0);
    check.take(KIND.unflushed, 1, 1, 0);
    handle(1, 1);
    check.take(KIND.flushed, 1, 2, 0);
    const fault = begin("restart");
    handle(2, 0);
    handle(2, 1);
    end(fault);
    expect([fault.duplicates, fault.flushedDuplicates]).toEqual([2, 1]);
  });

  it("finds more repeats than there can be", () => {
    const { handle, begin, end } = checked();
    for (let sequence = 0; sequence < 5; sequence++) handle(1, sequence);
    const fault = begin("leave", 2);
    for (let sequence = 0; sequence < 5; sequence++) handle(3, sequence);
    end(fault);
    expect(fault.problems()).toContain("fault 1 (leave) repeated 5 messages, at most 0 may be");
  });

  it("takes a message that was published again for a copy, as often as that happened", () => {
    const { handle, begin, end, sentAgain, problems } = checked();
    const fault = begin("restart");
    sentAgain[0] = 1;
    handle(1, 0);
    handle(1, 0);
    end(fault);
    expect([fault.copies, fault.duplicates, problems.count]).toEqual([1, 0, 0]);
  });

  it("tells what a fault repeats from a copy that comes later", () => {
    const { handle, begin, end, sentAgain, problems } = checked();
    handle(1, 0);
    const fault = begin("restart");
    sentAgain[0] = 1;
    end(fault);
    handle(1, 0);
    handle(1, 0);
    expect([fault.copies, fault.duplicates, problems.count]).toEqual([1, 1, 0]);
    handle(1, 0);
    expect(problems.count).toBe(1);
  });

  it("finds first deliveries of a key that are out of order", () => {
    const { handle, problems } = checked();
    handle(1, KEY_COUNT);
    handle(2, 0);
    expect(problems.shown).toEqual([`group g: message 0 was first handed out (to member 2) after ${KEY_COUNT} of the same key`]);
  });

  it("looks at the order within each member only where no more is promised", () => {
    const { handle, problems } = checked(LOOSE);
    handle(1, KEY_COUNT);
    handle(2, 0);
    expect(problems.count).toBe(0);
    handle(2, 2 * KEY_COUNT + 1);
    handle(2, KEY_COUNT + 1);
    expect(problems.count).toBe(1);
  });

  it("finds a key that two members have in hand", () => {
    const { check, handle, problems } = checked();
    check.take(KIND.handed, 1, 0, 1);
    handle(2, KEY_COUNT);
    expect(problems.shown).toEqual([`group g: message ${KEY_COUNT} was handed to member 2 while member 1 had 0 of the same key in hand`]);
  });
});

function checked(order: OrderRules = STRICT) {
  const faults: Fault[] = [];
  const problems = new Problems();
  const sentAgain = new Uint8Array(COUNT);
  const check = new GroupCheck({ group: "g", count: COUNT, order, faults, sentAgain, problems });
  return {
    check,
    problems,
    sentAgain,
    handle: (member: number, sequence: number): void => {
      check.take(KIND.handed, member, sequence, 1);
      check.take(KIND.done, member, sequence, 0);
    },
    begin: (kind: FaultKind, victim?: number): Fault => {
      const fault = new Fault(faults.length, kind, { group: victim === undefined ? undefined : "g", victim, gap: 0 });
      faults.push(fault);
      check.faultBegun(fault);
      return fault;
    },
    end: (fault: Fault): void => check.faultEnded(fault),
  };
}
