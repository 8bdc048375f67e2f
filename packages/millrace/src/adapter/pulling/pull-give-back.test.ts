import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MillraceError } from "../../errors/index.ts";
import { deferred } from "../../internal/deferred.ts";
import { Stream, StreamMember } from "./scripted-stream.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (ms = 20): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe("what is given back", () => {
  it("is claimed before anything newer is fetched", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    stream.add("a", "b", "c", "d");
    const reader = await member.subscribe({ maxInFlight: 3, orderBy: "none" }, { prefetch: 3 });
    await reader.read(1);
    await pass();
    expect(reader.subscription.status()).toMatchObject({ inFlight: 1, held: 2 });
    stream.add("e");
    reader.subscription.pause();
    await pass();
    expect(stream.free()).toEqual(["b", "c"]);
    member.calls.length = 0;
    reader.subscription.resume();
    await reader.read(2);
    expect(reader.texts).toEqual(["a", "b", "c"]);
    expect(member.calls.findIndex((call) => call.startsWith("claim"))).toBe(0);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("is not asked for before the broker has taken it back", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    stream.add("a", "b", "c");
    const reader = await member.subscribe({ maxInFlight: 2, orderBy: "none" }, { prefetch: 2 });
    await reader.read(1);
    await pass();
    const taken = deferred<void>();
    member.gates.release = taken.promise;
    reader.subscription.pause();
    await pass();
    member.calls.length = 0;
    reader.subscription.resume();
    await pass(1000);
    expect(member.calls).toEqual([]);
    taken.resolve();
    await reader.read(1);
    expect(reader.texts).toEqual(["a", "b"]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("comes before what a fetch brings that was under way meanwhile", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    stream.add("a", "b");
    const reader = await member.subscribe({ maxInFlight: 2, orderBy: "none" }, { prefetch: 2 });
    await reader.read(1);
    const late = deferred<void>();
    vi.spyOn(member, "fetch").mockImplementationOnce(async (_desk, { count }) => {
      await late.promise;
      return stream.lend(stream.fresh.splice(0, count), member);
    });
    reader.messages[0]?.ack();
    await pass();
    reader.subscription.pause();
    stream.add("c", "d");
    await pass();
    reader.subscription.resume();
    late.resolve();
    await reader.read(2);
    expect(reader.texts).toEqual(["a", "b", "c"]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("comes before what a fetch brings while the broker is being told", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    stream.add("a", "b", "c");
    const reader = await member.subscribe({ maxInFlight: 2, orderBy: "none" }, { prefetch: 2 });
    await reader.read(1);
    await pass();
    const [fetched, released] = [deferred<void>(), deferred<void>()];
    member.gates = { release: released.promise };
    vi.spyOn(member, "fetch").mockImplementationOnce(async (_desk, { count }) => {
      await fetched.promise;
      return stream.lend(stream.fresh.splice(0, count), member);
    });
    reader.messages[0]?.ack();
    member.desk.wake();
    await pass();
    reader.subscription.pause();
    await pass(1);
    fetched.resolve();
    await pass(1);
    reader.subscription.resume();
    await pass(1);
    released.resolve();
    await reader.read(2);
    expect(reader.texts).toEqual(["a", "b", "c"]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("while there is no link is told to the next one, before anything is asked for", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    stream.add("a", "b", "c");
    const reader = await member.subscribe({ maxInFlight: 2, orderBy: "none" }, { prefetch: 2 });
    await reader.read(1);
    await pass();
    member.down = true;
    member.desk.lost(new Error("cut"));
    reader.subscription.pause();
    await pass(200);
    reader.subscription.resume();
    member.calls.length = 0;
    member.down = false;
    await reader.read(1);
    expect([reader.texts, member.calls[0]]).toEqual([["a", "b"], "release b"]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("by a release that fails is told again to the next link", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    stream.add("a", "b");
    const reader = await member.subscribe({ maxInFlight: 2, orderBy: "none" }, { prefetch: 2 });
    await reader.read(1);
    await pass();
    member.gates.release = Promise.reject(new Error("cut"));
    member.gates.release.catch(() => {});
    reader.subscription.pause();
    await pass(1);
    expect(stream.free()).toEqual([]);
    member.gates = {};
    await pass(50);
    expect([member.connects, stream.free()]).toEqual([2, ["b"]]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("by members that died is claimed when their leases are over", async () => {
    const stream = new Stream(5_000);
    const dead = new StreamMember(stream);
    stream.add("a");
    stream.lend(stream.fresh.splice(0), dead);
    const reader = (await new StreamMember(stream).subscribe()).readAll();
    await pass(4_900);
    expect(reader.texts).toEqual([]);
    await pass(700);
    expect(reader.texts).toEqual(["a"]);
    await reader.subscription[Symbol.asyncDispose]();
  });
});

describe("closing", () => {
  it("gives back all that is still lent: what was not handed out, what came beyond, what cannot be decoded", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    member.excess = 2;
    stream.add("a", "bad1", "b", "c");
    const undecodable = (): Promise<void> => new Promise(() => {});
    const reader = await member.subscribe({ maxInFlight: 2, orderBy: "none", undecodable }, { prefetch: 2 });
    (await reader.read(1)).ack();
    await pass();
    await reader.subscription.close();
    expect([stream.acked, stream.free().sort(), member.disconnected]).toEqual([["a"], ["b", "bad1", "c"], 1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves nothing behind when there is no link", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    stream.add("a", "bad1");
    const undecodable = (): Promise<void> => Promise.reject(new Error("no dead letter"));
    const reader = await member.subscribe({ maxInFlight: 2, orderBy: "none", undecodable }, { prefetch: 2 });
    await reader.read(1);
    await pass();
    member.down = true;
    member.desk.lost(new Error("cut"));
    await reader.subscription[Symbol.asyncDispose]();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves nothing behind when the subscription fails for good", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    stream.add("a");
    const reader = await member.subscribe();
    await reader.read(1);
    member.connect = () => Promise.reject(new MillraceError("no such topic", { code: "GONE" }));
    member.desk.lost(new Error("cut"));
    await pass(10);
    await reader.subscription[Symbol.asyncDispose]();
    expect(vi.getTimerCount()).toBe(0);
  });
});
