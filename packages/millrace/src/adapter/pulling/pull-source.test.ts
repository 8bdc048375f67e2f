import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { deferred } from "../../internal/deferred.ts";
import { type SubscriptionDoor, subscriptionDoor } from "../../message/subscription-door.ts";
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

  it("is not caught up while the first answer is under way, and is when one has brought nothing", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    const answer = deferred<void>();
    member.gates.fetch = answer.promise;
    const reader = (await member.subscribe()).readAll((message) => void message.ack());
    await pass();
    const idle = vi.fn();
    void (subscriptionDoor(reader.subscription) as SubscriptionDoor).idle().then(idle);
    stream.add("a");
    await pass();
    expect([reader.texts, idle.mock.calls.length]).toEqual([[], 0]);
    member.gates = {};
    answer.resolve();
    await pass(20_000);
    expect([reader.texts, idle.mock.calls.length]).toEqual([["a"], 1]);
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
