import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { GroupClient, Joined } from "./group-client.ts";
import { Membership } from "./membership.ts";
import type { Cluster } from "./wire/cluster.ts";

const RULES = { topic: "t", group: "g", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000, cooperative: true };
const SECOND: Joined = { id: "NONE", memberId: "m-1", generation: 2, protocol: "cooperative-sticky", leader: false, members: [] };

const NEVER = new AbortController().signal;

describe("a member of a group", () => {
  it("is alive, and speaks for the new generation, while the leader of a round is awaited", async () => {
    const member = new Membership(RULES);
    let answer: (synced: { readonly id: string; readonly assignment: Buffer }) => void = () => {};
    let asked: () => void = () => {};
    const waiting = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const beats: [string, number][] = [];
    const client = {
      join: async () => SECOND,
      sync: () =>
        new Promise((resolve) => {
          answer = resolve;
          asked();
        }),
      heartbeat: async (memberId: string, generation: number) => {
        beats.push([memberId, generation]);
        return "NONE";
      },
    } as unknown as GroupClient;
    const joining = member.join(client, {} as Cluster, { owned: () => [], onLost: () => {}, ended: NEVER });
    await waiting;
    expect(member.alive).toBe(true);
    expect(await member.beat(client)).toBe("ok");
    expect(beats).toEqual([
      ["m-1", 2],
      ["m-1", 2],
    ]);
    answer({ id: "NONE", assignment: Buffer.alloc(0) });
    expect(await joining).toEqual([]);
  });

  it("is not alive by the answer to an old request: it asks again, and joins anew when the group has gone on without it", async () => {
    const member = new Membership(RULES);
    const answers = ["UNKNOWN_MEMBER_ID", "NONE"];
    const joins: string[] = [];
    let lost = 0;
    const client = {
      join: async ({ memberId }: { readonly memberId: string }) => {
        joins.push(memberId);
        return SECOND;
      },
      sync: async () => ({ id: "NONE", assignment: Buffer.alloc(0) }),
      heartbeat: async () => answers.shift() ?? "NONE",
    } as unknown as GroupClient;
    await member.join(client, {} as Cluster, { owned: () => [], onLost: () => lost++, ended: NEVER });
    expect(lost).toBe(1);
    expect(joins).toEqual(["", ""]);
    expect(member.alive).toBe(true);
  });

  it("takes an answer about a round that it has joined meanwhile, or is joining, for no news; one about its own for what it is", async () => {
    const member = new Membership(RULES);
    let answerJoin: (joined: Joined) => void = () => {};
    let state = "NONE";
    const client = {
      join: () =>
        new Promise<Joined>((resolve) => {
          answerJoin = resolve;
        }),
      sync: async () => ({ id: "NONE", assignment: Buffer.alloc(0) }),
      heartbeat: async () => state,
    } as unknown as GroupClient;
    const join = (): Promise<readonly number[]> => member.join(client, {} as Cluster, { owned: () => [], onLost: () => {}, ended: NEVER });
    const first = join();
    answerJoin(SECOND);
    await first;
    state = "REBALANCE_IN_PROGRESS";
    expect(await member.beat(client)).toBe("rebalance");
    const second = join();
    expect(await member.beat(client)).toBe("ok");
    const late = member.beat(client);
    state = "NONE";
    answerJoin({ ...SECOND, generation: 3 });
    await second;
    expect(await late).toBe("ok");
    state = "UNKNOWN_MEMBER_ID";
    expect(await member.beat(client)).toBe("lost");
  });

  it("keeps what it has when it missed the answer to a join of its own, and joins again", async () => {
    const member = new Membership(RULES);
    const joined = [SECOND, { ...SECOND, id: "ILLEGAL_GENERATION" }, { ...SECOND, generation: 4 }];
    let lost = 0;
    const client = {
      join: async () => joined.shift(),
      sync: async () => ({ id: "NONE", assignment: Buffer.alloc(0) }),
      heartbeat: async () => (member.generation === 2 && joined.length === 2 ? "ILLEGAL_GENERATION" : "NONE"),
    } as unknown as GroupClient;
    const join = (): Promise<readonly number[]> => member.join(client, {} as Cluster, { owned: () => [], onLost: () => lost++, ended: NEVER });
    await join();
    expect(await member.beat(client)).toBe("rebalance");
    expect(member.alive).toBe(true);
    await join();
    expect([member.memberId, member.generation, lost]).toEqual(["m-1", 4, 0]);
  });

  it("is alive for the length of a session from when its last answered heartbeat was sent, and no longer", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const member = new Membership(RULES);
    let answerAfterMs = 0;
    const client = {
      join: async () => SECOND,
      sync: async () => ({ id: "NONE", assignment: Buffer.alloc(0) }),
      heartbeat: () => new Promise((resolve) => setTimeout(() => resolve("NONE"), answerAfterMs)),
    } as unknown as GroupClient;
    const joining = member.join(client, {} as Cluster, { owned: () => [], onLost: () => {}, ended: NEVER });
    await vi.advanceTimersByTimeAsync(0);
    await joining;
    answerAfterMs = RULES.sessionTimeoutMs / 2;
    const beating = member.beat(client);
    await vi.advanceTimersByTimeAsync(answerAfterMs);
    await beating;
    await vi.advanceTimersByTimeAsync(RULES.sessionTimeoutMs / 2 - 1);
    expect(member.alive).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(member.alive).toBe(false);
  });
});
