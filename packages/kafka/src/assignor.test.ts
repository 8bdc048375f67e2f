import { describe, expect, it } from "vitest";
import { type Assignment, assignCooperatively, assignRanges, type GroupMember } from "./assignor.ts";

function member(memberId: string, owned: readonly number[] = [], generation = owned.length > 0 ? 5 : -1): GroupMember {
  return { memberId, topics: ["t"], owned: new Map([["t", owned]]), generation };
}

function shares(assignment: Assignment): Record<string, readonly number[]> {
  return Object.fromEntries([...assignment].map(([memberId, topics]) => [memberId, topics.get("t") ?? []]));
}

const FOUR: ReadonlyMap<string, number> = new Map([["t", 4]]);

describe("the cooperative assignment", () => {
  it("gives one member everything", () => {
    expect(shares(assignCooperatively([member("a")], FOUR))).toEqual({ a: [0, 1, 2, 3] });
  });

  it("withholds what moves until its holder has let go of it, then gives it away", () => {
    const first = shares(assignCooperatively([member("a", [0, 1, 2, 3]), member("b")], FOUR));
    expect(first).toEqual({ a: [0, 1], b: [] });
    const second = shares(assignCooperatively([member("a", [0, 1]), member("b")], FOUR));
    expect(second).toEqual({ a: [0, 1], b: [2, 3] });
  });

  it("moves nothing while the shares are even", () => {
    expect(shares(assignCooperatively([member("a", [3, 1]), member("b", [0, 2])], FOUR))).toEqual({ a: [1, 3], b: [0, 2] });
    expect(shares(assignCooperatively([member("a", [3, 1]), member("b", [0]), member("c", [2])], FOUR))).toEqual({ a: [1, 3], b: [0], c: [2] });
  });

  it("gives what a dead member held to the others at once", () => {
    expect(shares(assignCooperatively([member("a", [0]), member("b", [1])], FOUR))).toEqual({ a: [0, 2], b: [1, 3] });
  });

  it("believes the later of two who claim one partition, and neither when both are as late", () => {
    const late = shares(assignCooperatively([member("a", [0, 1], 4), member("b", [0, 1], 7)], new Map([["t", 2]])));
    expect(late).toEqual({ a: [], b: [0] });
    const both = shares(assignCooperatively([member("a", [0], 7), member("b", [0], 7)], new Map([["t", 2]])));
    expect([...(both.a ?? []), ...(both.b ?? [])].sort()).toEqual([0, 1]);
  });

  it("leaves members empty-handed where there are more of them than partitions", () => {
    const got = shares(assignCooperatively([member("a"), member("b"), member("c")], new Map([["t", 2]])));
    expect(
      Object.values(got)
        .map((some) => some.length)
        .sort(),
    ).toEqual([0, 1, 1]);
  });

  it("gives each topic to its own readers", () => {
    const other: GroupMember = { memberId: "z", topics: ["u"], owned: new Map(), generation: -1 };
    const assignment = assignCooperatively([member("a"), other], new Map([...FOUR, ["u", 2]]));
    expect(assignment.get("z")).toEqual(new Map([["u", [0, 1]]]));
    expect(assignment.get("a")).toEqual(new Map([["t", [0, 1, 2, 3]]]));
  });

  it("ends even and complete from any beginning, and then stays", () => {
    for (let seed = 1; seed < 60; seed++) {
      const count = 1 + (seed % 13);
      let members = Array.from({ length: 1 + (seed % 5) }, (_, index) => member(`m${index}`));
      // Everybody holds something, as it comes.
      const held = Array.from({ length: count }, (_, partition) => (partition * seed) % (members.length + 1));
      members = members.map(({ memberId }, index) =>
        member(
          memberId,
          held.flatMap((holder, partition) => (holder === index ? [partition] : [])),
          5,
        ),
      );
      const topic = new Map([["t", count]]);
      const once = shares(assignCooperatively(members, topic));
      const twice = shares(
        assignCooperatively(
          members.map(({ memberId }) => member(memberId, once[memberId], 6)),
          topic,
        ),
      );
      const thrice = shares(
        assignCooperatively(
          members.map(({ memberId }) => member(memberId, twice[memberId], 7)),
          topic,
        ),
      );
      expect(
        Object.values(twice)
          .flat()
          .sort((a, b) => a - b),
      ).toEqual(Array.from({ length: count }, (_, partition) => partition));
      const sizes = Object.values(twice).map((some) => some.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      expect(thrice).toEqual(twice);
    }
  });
});

describe("the range assignment", () => {
  it("gives neighbouring partitions in the order of the members' ids, the first ones one more", () => {
    expect(shares(assignRanges([member("b"), member("a"), member("c")], FOUR))).toEqual({ a: [0, 1], b: [2], c: [3] });
  });
});
