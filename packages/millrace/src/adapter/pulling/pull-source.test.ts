import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MillraceError } from "../../errors/index.ts";
import { deferred } from "../../internal/deferred.ts";
import { Stream, StreamMember } from "./scripted-stream.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (ms = 20): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe("fetching", () => {
  it("asks for as much as is wanted, and for nothing before somebody reads", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    stream.add("a", "b", "c", "d");
    const reader = await member.subscribe({ maxInFlight: 2, orderBy: "none" }, { prefetch: 2 });
    await pass(1000);
    expect(member.calls).toEqual([]);
    await reader.read(2);
    await pass();
    expect([member.calls.slice(0, 2), reader.texts, stream.fresh]).toEqual([["claim 2", "fetch 2"], ["a", "b"], []]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("waits at the broker for what is new, and hears of it at once", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    const reader = (await member.subscribe()).readAll();
    await pass(3000);
    expect(member.calls.filter((call) => call === "fetch 1")).toHaveLength(1);
    stream.add("a");
    await pass(0);
    expect(reader.texts).toEqual(["a"]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("asks a broker that has nothing no more often than every 100 ms, and at once when it is woken", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    const times: number[] = [];
    member.fetch = async (_desk, { count }) => {
      times.push(performance.now());
      return stream.lend(stream.fresh.splice(0, count), member);
    };
    const reader = (await member.subscribe()).readAll();
    await pass(250);
    expect(times.map((time) => Math.round(time - (times[0] as number)))).toEqual([0, 100, 200]);
    stream.fresh.push("a");
    member.desk.wake();
    await pass(1);
    expect(reader.texts).toEqual(["a"]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("lets what waits at the broker come back when nothing is wanted any more", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    const reader = (await member.subscribe()).readAll();
    await pass(10);
    reader.subscription.pause();
    await pass(0);
    stream.add("a");
    await pass(5000);
    expect([stream.fresh, reader.texts]).toEqual([["a"], []]);
    reader.subscription.resume();
    await pass(1);
    expect(reader.texts).toEqual(["a"]);
    await reader.subscription[Symbol.asyncDispose]();
  });
});

describe("what comes beyond what was wanted", () => {
  it("waits for the next wish, and no more than what is missing is asked for meanwhile", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    member.excess = 3;
    stream.add("a", "b", "c", "d");
    const reader = await member.subscribe({ maxInFlight: 1 }, { prefetch: 1 });
    const a = await reader.read();
    await pass();
    expect([reader.subscription.status().held, member.desk.ours().length]).toEqual([1, 4]);
    const fetches = member.calls.filter((call) => call.startsWith("fetch"));
    a.ack();
    (await reader.read()).ack();
    await pass();
    expect([reader.texts, member.calls.filter((call) => call.startsWith("fetch"))]).toEqual([["a", "b"], fetches]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("goes back when nothing is wanted any more: another member has it within a second", async () => {
    const stream = new Stream(60_000);
    const [one, two] = [new StreamMember(stream), new StreamMember(stream)];
    one.excess = 2;
    stream.add("a", "b", "c", "d");
    const reader = await one.subscribe({ maxInFlight: 1 }, { prefetch: 1 });
    await reader.read();
    const other = (await two.subscribe({ maxInFlight: 4, orderBy: "none" })).readAll();
    await pass(10);
    reader.subscription.pause();
    await pass(900);
    expect([...other.texts].sort()).toEqual(["b", "c", "d"]);
    await Promise.all([reader.subscription[Symbol.asyncDispose](), other.subscription[Symbol.asyncDispose]()]);
  });

  it("goes back when nobody has wanted it for a second: a slow handler does not hoard", async () => {
    const stream = new Stream(60_000);
    const [one, two] = [new StreamMember(stream), new StreamMember(stream)];
    one.excess = 10;
    stream.add("a", "b", "c", "d");
    const reader = await one.subscribe({ maxInFlight: 1 }, { prefetch: 1 });
    await reader.read();
    await pass();
    expect([reader.subscription.status().held, one.desk.ours().length]).toEqual([1, 4]);
    const other = (await two.subscribe({ maxInFlight: 4, orderBy: "none" })).readAll();
    await pass(1_600);
    expect([other.texts, one.desk.ours().length]).toEqual([["c", "d"], 2]);
    await Promise.all([reader.subscription[Symbol.asyncDispose](), other.subscription[Symbol.asyncDispose]()]);
  });

  it("is not lost with the fetch that nobody waits for any more: what comes late goes back, and comes again", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    const answer = deferred<void>();
    member.gates.fetch = answer.promise;
    vi.spyOn(member, "fetch").mockImplementationOnce(async (_desk, { count }) => {
      await answer.promise;
      return stream.lend(stream.fresh.splice(0, count), member); // takes no notice of the signal
    });
    const reader = (await member.subscribe()).readAll();
    await pass(10);
    reader.subscription.pause();
    stream.add("a", "b");
    member.gates = {};
    answer.resolve();
    await pass(150);
    expect([stream.free(), reader.texts]).toEqual([["a"], []]);
    reader.subscription.resume();
    await pass(10);
    reader.messages[0]?.ack();
    await pass(10);
    expect(reader.texts).toEqual(["a", "b"]);
    await reader.subscription[Symbol.asyncDispose]();
  });
});

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
