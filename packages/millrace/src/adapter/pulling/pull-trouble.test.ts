import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Settlement } from "../source.ts";
import { Stream, type StreamEntry, StreamMember } from "./scripted-stream.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (ms = 20): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const refused = (): Promise<never> => Promise.reject(new Error("refused"));

describe("a question", () => {
  it.each(["fetch", "claim"] as const)("that fails ends the link, and is asked again over the next one: %s", async (question) => {
    for (const failure of [
      refused,
      () => {
        throw new Error("refused");
      },
    ]) {
      const stream = new Stream();
      const member = new StreamMember(stream);
      vi.spyOn(member, question).mockImplementationOnce(failure);
      stream.add("a");
      const reader = (await member.subscribe()).readAll();
      await pass(100);
      expect([member.connects, reader.texts]).toEqual([2, ["a"]]);
      await reader.subscription[Symbol.asyncDispose]();
    }
  });

  it("may be answered at once, and with nothing", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    const asked = { fetch: 0, claim: 0 };
    member.claim = (() => void asked.claim++) as never;
    member.fetch = ((_desk: unknown, { count }: { readonly count: number }) =>
      asked.fetch++ % 2 === 0 ? Promise.resolve() : stream.lend(stream.fresh.splice(0, count), member)) as never;
    const reader = (await member.subscribe()).readAll((message) => message.ack());
    await pass(1_050);
    stream.fresh.push("a", "b");
    await pass(300);
    expect([reader.texts, member.connects, asked.claim >= 2, asked.fetch >= 10]).toEqual([["a", "b"], 1, true, true]);
    await reader.subscription[Symbol.asyncDispose]();
  });
});

describe("the verdict on an entry that cannot be decoded", () => {
  it("is an ack on a queue too when the dead letter has it, and else a return for a minute", async () => {
    for (const taken of [true, false]) {
      const stream = new Stream();
      const member = new StreamMember(stream);
      const settle = vi.spyOn(member, "settle");
      stream.add("bad1");
      const reader = (await member.subscribe(taken ? { undecodable: async () => {} } : {}, {}, { undecodable: "return" })).readAll();
      await pass(100);
      const [verdict] = settle.mock.calls.flatMap(([, verdicts]) => verdicts);
      expect(verdict).toMatchObject(taken ? { kind: "ack" } : { kind: "return", delayMs: 60_000 });
      await reader.subscription.close();
    }
  });

  it("is told again when the adapter throws", async () => {
    const stream = new Stream(6_000);
    const member = new StreamMember(stream);
    const settle = member.settle.bind(member);
    let throwing = true;
    member.settle = (link: unknown, verdicts: readonly Settlement<StreamEntry>[]) => {
      if (throwing) throw new Error("busy");
      return settle(link, verdicts);
    };
    stream.add("bad1");
    const reader = (await member.subscribe()).readAll();
    await pass(1_000);
    throwing = false;
    await pass(500);
    expect(stream.acked).toEqual(["bad1"]);
    await reader.subscription.close();
  });
});

describe("health", () => {
  it("says that leases cannot be renewed until one is, each second", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    stream.add("a");
    const reader = await member.subscribe();
    await reader.read(1);
    member.gates.renew = refused();
    member.gates.renew.catch(() => {});
    await pass(20_500);
    expect(reader.subscription.status().detail).toBe("leases cannot be renewed: refused");
    await pass(4_000);
    expect(member.calls.filter((call) => call.startsWith("renew"))).toHaveLength(5);
    member.gates = {};
    await pass(1_000);
    expect(reader.subscription.status().detail).toBeUndefined();
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("shows a failing dead letter until none fails", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    stream.add("bad1", "bad2");
    const full = new Set(["bad1", "bad2"]);
    const undecodable = ({ position }: { readonly position: string }): Promise<void> => (full.has(position) ? refused() : Promise.resolve());
    const reader = (await member.subscribe({ undecodable })).readAll();
    await pass(1_000);
    full.delete("bad1");
    await pass(10_000);
    expect([stream.acked, reader.subscription.status().detail]).toEqual([["bad1"], expect.stringContaining("its dead letter has failed")]);
    full.clear();
    await pass(60_000);
    expect([stream.acked, reader.subscription.status().detail]).toEqual([["bad1", "bad2"], "2 undecodable, last at bad2"]);
    await reader.subscription.close();
  });
});

describe("what comes beyond what was wanted, or too late", () => {
  it("is handed out no more when the link says that it is lost", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    member.excess = 2;
    stream.add("a", "b", "c");
    const reader = await member.subscribe({ maxInFlight: 1 }, { prefetch: 1 });
    const a = await reader.read();
    await pass();
    member.desk.lose(member.desk.ours().filter(({ text }) => text === "c"));
    stream.lend(["c"], new StreamMember(stream));
    a.ack();
    (await reader.read()).ack();
    await pass(500);
    expect([reader.texts, member.lost, reader.subscription.status().held]).toEqual([["a", "b"], ["c"], 0]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("is told to the adapter as lost when all is over", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    const reader = (await member.subscribe()).readAll();
    await pass();
    await reader.subscription.close();
    stream.add("late");
    member.desk.take(stream.lend(stream.fresh.splice(0), member));
    expect([member.lost, member.desk.ours(), vi.getTimerCount()]).toEqual([["late"], [], 0]);
  });
});
