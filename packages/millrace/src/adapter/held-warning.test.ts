import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { HandSource, nextOf } from "./hand-source.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a message that is held unsettled", () => {
  it("is logged once after 30 s while others wait, with topic and id", async () => {
    const logger = new RecordingLogger();
    const source = new HandSource();
    const subscription = await source.subscribe({}, { logger });
    source.session.deliver("a", "b");
    const a = await nextOf(subscription[Symbol.asyncIterator]());
    await vi.advanceTimersByTimeAsync(29_000);
    expect(logger.at("warn")).toEqual([]);
    await vi.advanceTimersByTimeAsync(12_000);
    expect(logger.at("warn")).toHaveLength(1);
    expect(logger.at("warn")[0]?.fields).toMatchObject({ topic: "orders", id: "a" });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(logger.at("warn")).toHaveLength(1);
    a.ack();
    await subscription.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is not logged while nobody waits, and is once somebody does", async () => {
    const logger = new RecordingLogger();
    const source = new HandSource();
    const subscription = await source.subscribe({}, { logger });
    source.session.deliver("a");
    await nextOf(subscription[Symbol.asyncIterator]());
    await vi.advanceTimersByTimeAsync(60_000);
    expect(logger.at("warn")).toEqual([]);
    source.session.deliver("b");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(logger.at("warn")).toHaveLength(1);
    await subscription[Symbol.asyncDispose]();
  });

  it("is not logged when it is settled and followed by others in time", async () => {
    const logger = new RecordingLogger();
    const source = new HandSource();
    const subscription = await source.subscribe({}, { logger });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a", "b", "c", "d", "e");
    for (let round = 0; round < 4; round++) {
      const message = await nextOf(iterator);
      await vi.advanceTimersByTimeAsync(25_000);
      message.ack();
    }
    expect(logger.at("warn")).toEqual([]);
    await subscription[Symbol.asyncDispose]();
  });
});
