import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RecordingLogger } from "../../logger/recording-logger.fixture.ts";
import type { UndecodableRecord } from "../../message/index.ts";
import { Stream, StreamMember } from "./scripted-stream.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (ms = 20): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe("entries that cannot be decoded", () => {
  it("are settled when the dead letter has them, and take the place of no message", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    const dead: string[] = [];
    stream.add("bad1", "a", "bad2", "b");
    const undecodable = async ({ position, payload }: UndecodableRecord): Promise<void> => void dead.push(`${position} ${new TextDecoder().decode(payload)}`);
    const reader = (await member.subscribe({ undecodable })).readAll((message) => message.ack());
    await pass(100);
    expect([reader.texts, dead, [...stream.acked].sort()]).toEqual([
      ["a", "b"],
      ["bad1 bad1", "bad2 bad2"],
      ["a", "b", "bad1", "bad2"],
    ]);
    await reader.subscription.close();
  });

  it("whose dead letter fails are tried again with backoff, hold their place, and show in health; the others go on", async () => {
    const stream = new Stream(6_000);
    const member = new StreamMember(stream);
    const tries: number[] = [];
    let failing = true;
    stream.add("bad1", "a", "b");
    const undecodable = async (): Promise<void> => {
      tries.push(performance.now());
      if (failing) throw new Error("the dead letter is full");
    };
    const logger = new RecordingLogger();
    const reader = (await member.subscribe({ undecodable }, { logger })).readAll((message) => message.ack());
    await pass(60_000);
    expect(logger.at("error")).toHaveLength(1);
    expect([reader.texts, stream.acked, stream.free()]).toEqual([["a", "b"], ["a", "b"], []]);
    const waits = tries.map((at, index) => at - (tries[index - 1] ?? at)).slice(1);
    for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThanOrEqual(Math.min(30_000, 100 * 2 ** index) / 2 - 1);
    expect(reader.subscription.status().detail).toMatch(
      /^position bad1 cannot be decoded, and its dead letter has failed \d+ times: the dead letter is full; 1 undecodable, last at bad1$/,
    );
    failing = false;
    await pass(60_000);
    expect(stream.acked).toEqual(["a", "b", "bad1"]);
    expect(reader.subscription.status().state).toBe("running");
    await reader.subscription.close();
  });

  it("go on being tried while there is no link, and are settled over the next one", async () => {
    const stream = new Stream(60_000);
    const member = new StreamMember(stream);
    stream.add("bad1");
    let tries = 0;
    const undecodable = async (): Promise<void> => {
      if (++tries < 3) throw new Error("not yet");
    };
    const reader = (await member.subscribe({ undecodable })).readAll();
    await pass(10);
    member.down = true;
    member.desk.lost(new Error("cut"));
    await pass(2_000);
    expect([tries, stream.acked]).toEqual([3, []]);
    member.down = false;
    await pass(100);
    expect(stream.acked).toEqual(["bad1"]);
    await reader.subscription.close();
  });

  it("are tried no more when they are lost", async () => {
    const stream = new Stream(6_000);
    const member = new StreamMember(stream);
    stream.add("bad1");
    let tries = 0;
    const undecodable = (): Promise<void> => Promise.reject(new Error(`no ${++tries}`));
    const reader = (await member.subscribe({ undecodable })).readAll();
    await pass(10);
    member.down = true;
    member.desk.lost(new Error("cut"));
    await pass(40_000);
    const before = tries;
    await pass(60_000);
    expect([member.lost, tries - before]).toEqual([["bad1"], 0]);
    await reader.subscription.close();
  });

  it("without a dead letter are acked on a log, and go back for a while on a queue", async () => {
    for (const undecodable of ["ack", "return"] as const) {
      const stream = new Stream();
      const member = new StreamMember(stream);
      stream.add("bad1");
      const reader = (await member.subscribe({}, {}, { undecodable })).readAll();
      await pass(100);
      expect(member.calls).toContain(`settle ${undecodable} bad1`);
      await reader.subscription.close();
    }
  });

  it("whose verdict the broker does not take are told of again", async () => {
    const stream = new Stream();
    const member = new StreamMember(stream);
    stream.add("bad1");
    member.gates.settle = Promise.reject(new Error("busy"));
    member.gates.settle.catch(() => {});
    const reader = (await member.subscribe()).readAll();
    await pass(1_000);
    expect(member.calls.filter((call) => call.startsWith("settle")).length).toBeLessThanOrEqual(6);
    member.gates = {};
    await pass(500);
    expect(stream.acked).toEqual(["bad1"]);
    await reader.subscription.close();
  });
});
