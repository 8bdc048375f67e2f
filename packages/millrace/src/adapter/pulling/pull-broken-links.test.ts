import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { deferred } from "../../internal/deferred.ts";
import { Stream, type StreamEntry, StreamMember } from "./scripted-stream.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (ms = 20): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const never = (): Promise<never> => new Promise(() => {});
const unordered = (count: number) => [{ maxInFlight: count, orderBy: "none" }, { prefetch: count }] as const;

/** Makes the `nth` fetch of the member bring `text`, whatever became of its link meanwhile, when the function that it answers is called. */
function bringLate(member: StreamMember, nth: number, text: string): () => void {
  const brought = deferred<void>();
  const fetch = member.fetch.bind(member);
  let fetches = 0;
  member.fetch = async (desk, ask) => {
    if (++fetches !== nth) return fetch(desk, ask);
    await brought.promise;
    return member.stream.lend([text], member);
  };
  return () => brought.resolve();
}

describe("what comes over a link that is lost", () => {
  it("is handed out over the next one, behind what was given back meanwhile", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    const bring = bringLate(member, 2, "c");
    stream.add("a", "b");
    const reader = await member.subscribe(...unordered(3));
    (await reader.read()).ack();
    await pass();
    reader.subscription.pause(); // gives b back, which the question that is open knows nothing of
    await pass(1);
    member.desk.lost(new Error("cut"));
    await pass(100);
    reader.subscription.resume();
    await pass(100);
    bring();
    await pass();
    stream.add("d");
    reader.readAll((message) => message.ack());
    await pass(1_000);
    expect([member.connects, reader.texts]).toEqual([2, ["a", "b", "c", "d"]]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("goes back when nothing is wanted any more", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    const bring = bringLate(member, 1, "a");
    const reader = (await member.subscribe()).readAll();
    await pass(10);
    member.desk.lost(new Error("cut"));
    reader.subscription.pause();
    await pass(100);
    bring();
    await pass(1_100);
    expect(stream.free()).toEqual(["a"]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("goes back also when the link never came about", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    const connect = member.connect.bind(member);
    const reader = await member.subscribe();
    let failed: Parameters<typeof connect>[0] | undefined;
    member.connect = async (desk) => {
      if (failed !== undefined) return connect(desk);
      failed = desk;
      desk.take(stream.lend(["a"], member));
      throw new Error("refused");
    };
    member.desk.lost(new Error("cut"));
    await pass(1_100);
    expect([member.connects, stream.free()]).toEqual([2, ["a"]]);
    reader.readAll((message) => message.ack());
    await pass();
    reader.subscription.pause();
    failed?.take(stream.lend(["b"], member));
    await pass(1_100);
    expect([stream.free(), reader.texts]).toEqual([["b"], ["a"]]);
    reader.subscription.resume();
    await pass();
    expect(reader.texts).toEqual(["a", "b"]);
    await reader.subscription[Symbol.asyncDispose]();
  });
});

describe("what a link never answers", () => {
  it("of verdicts is told to the next one", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    stream.add("a", "b", "bad1");
    const reader = await member.subscribe(...unordered(2));
    await reader.read(2);
    member.gates.settle = never();
    reader.messages[0]?.ack();
    await pass();
    member.desk.lost(new Error("cut"));
    member.gates = {};
    reader.messages[1]?.ack();
    await pass(1_000);
    reader.readAll();
    await pass(1_000);
    expect([member.connects, [...stream.acked].sort()]).toEqual([2, ["a", "b", "bad1"]]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("of verdicts on what cannot be decoded is told to the next one", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    stream.add("bad1");
    member.gates.settle = never();
    const reader = (await member.subscribe()).readAll();
    await pass();
    member.desk.lost(new Error("cut"));
    member.gates = {};
    await pass(1_000);
    expect([member.connects, stream.acked]).toEqual([2, ["bad1"]]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("of renewals is asked of the next one", async () => {
    const stream = new Stream(6_000);
    const member = new StreamMember(stream);
    stream.add("a");
    const reader = await member.subscribe();
    const a = await reader.read();
    member.gates.renew = never();
    await pass(3_000);
    member.desk.lost(new Error("cut"));
    member.gates = {};
    await pass(20_000);
    expect([member.connects, a.ack()]).toEqual([2, true]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("of renewals costs no later message its lease", async () => {
    const stream = new Stream(6_000);
    const member = new StreamMember(stream);
    stream.add("a");
    const reader = await member.subscribe();
    const a = await reader.read();
    member.gates.renew = never();
    await pass(3_000);
    a.ack();
    member.gates = {};
    stream.add("b");
    const b = await reader.read();
    await pass(20_000);
    expect([member.connects, b.ack()]).toEqual([1, true]);
    await reader.subscription[Symbol.asyncDispose]();
  });
});

describe("a release that takes long", () => {
  it("is followed by questions also when the lease of all else that was to go back is over", async () => {
    const stream = new Stream(6_000);
    const member = new StreamMember(stream);
    const taken = deferred<void>();
    stream.add("a", "b", "c");
    const reader = await member.subscribe(...unordered(3));
    const a = await reader.read();
    await pass();
    member.gates.release = taken.promise;
    reader.subscription.pause();
    await pass();
    a.nack(); // goes back too, when the broker has answered
    await pass(7_000);
    member.gates = {};
    taken.resolve();
    reader.subscription.resume();
    reader.readAll((message) => message.ack());
    await pass(5_000);
    expect([...reader.texts].sort()).toEqual(["a", "a", "b", "c"]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("is followed by a wish where messages come by themselves", async () => {
    const stream = new Stream();
    const wishes: number[] = [];
    const target = Object.assign(new StreamMember(stream), { fetch: undefined, claim: undefined, want: (_desk: unknown, count: number) => wishes.push(count) });
    const member = target as unknown as StreamMember;
    const released = deferred<void>();
    member.gates.release = released.promise;
    const reader = (await member.subscribe(...unordered(2))).readAll();
    member.desk.take(stream.lend(["a", "b", "c"], member));
    await pass(1);
    reader.subscription.pause();
    await pass();
    reader.subscription.resume();
    for (const message of reader.messages) message.ack();
    await pass();
    released.resolve();
    await pass();
    expect(wishes.at(-1)).toBe(2);
    await reader.subscription[Symbol.asyncDispose]();
  });
});

describe("an adapter that throws", () => {
  it("when it is told what is wanted gets another link, and whoever gave a verdict hears nothing of it", async () => {
    const stream = new Stream();
    let broken = false;
    const want = (): void => {
      if (broken) throw new Error("cut");
    };
    const member = Object.assign(new StreamMember(stream), { fetch: undefined, claim: undefined, want }) as unknown as StreamMember;
    const reader = (await member.subscribe()).readAll();
    member.desk.take(stream.lend(["a"], member));
    await pass(1);
    broken = true;
    expect(reader.messages[0]?.ack()).toBe(true);
    broken = false;
    await pass(100);
    expect([member.connects, stream.acked, reader.subscription.status().state]).toEqual([2, ["a"], "running"]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("when it is asked what it could not decode keeps that entry in its place, which health says, and the others go on", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    const raw = member.raw.bind(member);
    member.raw = (entry: StreamEntry) => {
      if (entry.text === "bad1") throw new Error("no header");
      return raw(entry);
    };
    stream.add("bad1", "a", "b");
    const reader = (await member.subscribe()).readAll((message) => message.ack());
    await pass(2_000);
    expect([reader.texts, stream.acked, stream.free()]).toEqual([["a", "b"], ["a", "b"], []]);
    expect(reader.subscription.status().detail).toMatch(/^position unknown cannot be decoded, .*: no header/);
    await reader.subscription[Symbol.asyncDispose]();
  });
});
