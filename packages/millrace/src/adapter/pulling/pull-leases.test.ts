import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { deferred } from "../../internal/deferred.ts";
import { Stream, StreamMember, type StreamReader } from "./scripted-stream.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LEASE_MS = 6_000;
const pass = (ms = 20): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const two = { options: { maxInFlight: 2, orderBy: "none" }, settings: { prefetch: 2, settleDelayMs: 1 } } as const;

interface Pair {
  readonly stream: Stream;
  readonly member: StreamMember;
  readonly reader: StreamReader;
}

async function reading(count: number, ...texts: string[]): Promise<Pair> {
  const stream = new Stream(LEASE_MS);
  const member = new StreamMember(stream);
  stream.add(...texts);
  const reader = await member.subscribe(two.options, two.settings);
  await reader.read(count);
  await pass();
  return { stream, member, reader };
}

function renewals({ member }: Pair): string[] {
  return member.calls.filter((call) => call.startsWith("renew"));
}

describe("leases", () => {
  it("are renewed for what is in hand and what waits, as long as it takes", async () => {
    const pair = await reading(1, "a", "b");
    const [a] = pair.reader.messages;
    await pass(60_000);
    expect([a?.signal.aborted, pair.stream.free(), renewals(pair)[0]]).toEqual([false, [], "renew a b"]);
    expect(renewals(pair).length).toBeLessThanOrEqual(31); // each third of a lease, no more often
    expect(a?.ack()).toBe(true);
    await pass();
    expect(pair.stream.acked).toEqual(["a"]);
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("are not renewed for what was settled or given back", async () => {
    const pair = await reading(1, "a", "b");
    pair.reader.messages[0]?.ack();
    pair.reader.subscription.pause();
    await pass(60_000);
    expect(renewals(pair)).toEqual([]);
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("are renewed for what was acked until the broker knows of it", async () => {
    const pair = await reading(2, "a", "b");
    pair.member.gates.settle = Promise.reject(new Error("busy"));
    pair.member.gates.settle.catch(() => {});
    pair.reader.messages[0]?.ack();
    await pass(30_000);
    expect([pair.stream.acked, pair.stream.free()]).toEqual([[], []]);
    pair.member.gates = {};
    await pass(500);
    expect(pair.stream.acked).toEqual(["a"]);
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("that the broker does not renew end the delivery when they are over, and not before", async () => {
    const pair = await reading(2, "a", "b");
    const [a] = pair.reader.messages;
    a?.signal;
    pair.member.gates.renew = Promise.reject(new Error("busy"));
    pair.member.gates.renew.catch(() => {});
    await pass(LEASE_MS - 100);
    expect([a?.signal.aborted, pair.reader.subscription.status().detail]).toEqual([false, "leases cannot be renewed: busy"]);
    await pass(100);
    expect([a?.signal.aborted, a?.ack(), pair.member.lost]).toEqual([true, false, ["a", "b"]]);
    expect(pair.reader.subscription.status()).toMatchObject({ inFlight: 0 });
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("trouble nobody any more when what they were of is settled", async () => {
    const pair = await reading(1, "a");
    pair.member.gates.renew = Promise.reject(new Error("busy"));
    pair.member.gates.renew.catch(() => {});
    await pass(LEASE_MS / 3);
    expect(pair.reader.subscription.status()).toMatchObject({ state: "blocked", detail: "leases cannot be renewed: busy" });
    pair.reader.messages[0]?.ack();
    await pass(1_000);
    expect(pair.reader.subscription.status()).toMatchObject({ state: "running", detail: undefined });
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("trouble nobody when a renewal fails that nothing was left of", async () => {
    const pair = await reading(1, "a");
    const refused = deferred<void>();
    pair.member.gates.renew = refused.promise;
    await pass(LEASE_MS / 3);
    pair.reader.messages[0]?.ack();
    await pass(10);
    refused.reject(new Error("busy"));
    await pass(10);
    expect(pair.reader.subscription.status()).toMatchObject({ state: "running", detail: undefined });
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("end also when the renewal is never answered, before another member gets the message", async () => {
    const pair = await reading(2, "a", "b");
    const [a] = pair.reader.messages;
    let abortedMs = 0;
    a?.signal.addEventListener("abort", () => (abortedMs = performance.now()));
    pair.member.gates.renew = new Promise(() => {});
    pair.reader.subscription.pause();
    let tookMs = 0;
    const other = (await new StreamMember(pair.stream).subscribe()).readAll(() => (tookMs ||= performance.now()));
    await pass(LEASE_MS + 1_000);
    expect(other.texts).toEqual(["a"]);
    expect([abortedMs > 0, tookMs >= abortedMs]).toEqual([true, true]);
    await Promise.all([pair.reader.subscription[Symbol.asyncDispose](), other.subscription[Symbol.asyncDispose]()]);
  });

  it("count from when their renewal was asked for, however late the answer comes", async () => {
    const pair = await reading(1, "a");
    const [a] = pair.reader.messages;
    a?.signal;
    const answered = deferred<void>();
    pair.member.gates.renew = answered.promise;
    await pass(5_000); // asked for after a third of the lease
    expect(renewals(pair)).toEqual(["renew a"]);
    pair.member.gates.renew = new Promise(() => {});
    answered.resolve();
    await pass(LEASE_MS / 3 + LEASE_MS - 5_000 - 200);
    expect(a?.signal.aborted).toBe(false);
    await pass(400);
    expect(a?.signal.aborted).toBe(true);
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("run out in an outage: the handler's signal aborts at that moment, and what waits is not handed out any more", async () => {
    const pair = await reading(1, "a", "b");
    const [a] = pair.reader.messages;
    let abortedMs = 0;
    a?.signal.addEventListener("abort", () => (abortedMs = performance.now()));
    const { untilMs } = pair.stream.lent.get("a") as { readonly untilMs: number };
    pair.member.down = true;
    pair.member.desk.lost(new Error("cut"));
    await pass(LEASE_MS);
    expect([abortedMs > untilMs - 50, abortedMs <= untilMs]).toEqual([true, true]);
    expect(pair.reader.subscription.status()).toMatchObject({ state: "reconnecting", inFlight: 0, held: 0 });
    expect([a?.ack(), await a?.settled]).toEqual([false, "lost"]);
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("outlive a link: what is in hand is renewed over the next one, and its verdict told there", async () => {
    const pair = await reading(1, "a", "b");
    const [a] = pair.reader.messages;
    pair.member.down = true;
    pair.member.desk.lost(new Error("cut"));
    await pass(LEASE_MS / 2);
    pair.member.down = false;
    await pass(60_000);
    expect([a?.signal.aborted, a?.ack()]).toEqual([false, true]);
    await pass(10);
    expect(pair.stream.acked).toEqual(["a"]);
    expect((await pair.reader.read()).text()).toBe("b");
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("are over for a process that stood still for longer, whatever its timers say", async () => {
    const pair = await reading(1, "a", "b");
    const now = performance.now();
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now + LEASE_MS);
    expect(pair.reader.messages[0]?.ack()).toBe(false);
    clock.mockRestore();
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("take no notice of the clock on the wall", async () => {
    const pair = await reading(1, "a", "b");
    const [a] = pair.reader.messages;
    vi.setSystemTime(Date.now() - 3_600_000);
    await pass(10_000);
    vi.setSystemTime(Date.now() + 7_200_000);
    await pass(10_000);
    expect([a?.signal.aborted, a?.ack()]).toEqual([false, true]);
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("that were over before the answer came bring nothing, which health says", async () => {
    const stream = new Stream(LEASE_MS);
    const member = new StreamMember(stream);
    const answer = deferred<void>();
    member.claim = async () => [];
    member.fetch = async (_desk, { count }) => {
      const entries = stream.lend(stream.fresh.splice(0, count), member);
      await answer.promise;
      return entries;
    };
    stream.add("a");
    const reader = (await member.subscribe()).readAll();
    await pass(LEASE_MS + 10);
    stream.lend(["a"], new StreamMember(stream));
    answer.resolve();
    await pass(10);
    expect([reader.texts, reader.subscription.status().detail]).toEqual([[], `messages came too late, their lease of ${LEASE_MS} ms was over`]);
    await reader.subscription[Symbol.asyncDispose]();
  });

  it("do not begin while a question waits at the broker for longer than a quarter of them", async () => {
    const stream = new Stream(LEASE_MS);
    const member = new StreamMember(stream);
    const asks: number[] = [];
    const fetch = member.fetch.bind(member);
    member.fetch = (desk, ask) => {
      asks.push(ask.waitMs);
      return fetch(desk, ask);
    };
    const reader = (await member.subscribe()).readAll();
    await pass(5_000);
    expect([asks.length > 2, new Set(asks)]).toEqual([true, new Set([LEASE_MS / 4])]);
    await reader.subscription[Symbol.asyncDispose]();
  });
});

describe("entries that turn out to be another's", () => {
  it("named by a renewal are lost, and the others go on", async () => {
    const pair = await reading(2, "a", "b");
    const [a, b] = pair.reader.messages;
    const signals = [a?.signal, b?.signal];
    pair.stream.lend(["a"], new StreamMember(pair.stream));
    await pass(LEASE_MS / 2);
    expect([signals.map((signal) => signal?.aborted), a?.ack(), b?.ack(), pair.member.lost]).toEqual([[true, false], false, true, ["a"]]);
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("named by the answer to their acks are not durable, which the flush says", async () => {
    const pair = await reading(2, "a", "b");
    pair.stream.lend(["a"], new StreamMember(pair.stream));
    for (const message of pair.reader.messages) message.ack();
    await expect(pair.reader.subscription.flush()).rejects.toMatchObject({ code: "SETTLE_FAILED", positions: ["a"] });
    expect(pair.stream.acked).toEqual(["b"]);
    await pair.reader.subscription[Symbol.asyncDispose]();
  });

  it("named by the link at any time are lost, also what waits and what came beyond", async () => {
    const pair = await reading(1, "a", "b");
    const receipts = pair.reader.messages.map((message) => (message as unknown as { receipt: never }).receipt);
    pair.member.desk.lose(receipts);
    expect([pair.reader.messages[0]?.ack(), pair.member.desk.ours().length, pair.reader.subscription.status().inFlight]).toEqual([false, 1, 0]);
    await pair.reader.subscription[Symbol.asyncDispose]();
  });
});
