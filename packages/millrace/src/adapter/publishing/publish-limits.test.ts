import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { scriptedQueue, texts, turns, watched } from "./scripted-broker.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("an abort", () => {
  it("rejects what was not sent, and makes unknown what was", async () => {
    const { broker, queue } = scriptedQueue({ window: 2 });
    const abort = new AbortController();
    const call = watched(queue.publish("a", texts("1", "2", "3"), { signal: abort.signal }));
    const other = watched(queue.publish("a", texts("4")));
    await turns();
    broker.confirm("1");
    abort.abort(new Error("enough"));
    await turns();
    expect(call.error).toMatchObject({ code: "PUBLISH_ABORTED", retryable: false, outcomes: ["confirmed", "unknown", "rejected"] });
    expect(call.error?.cause).toMatchObject({ cause: { message: "enough" } });
    expect(broker.sent).toEqual(["1", "2", "4"]);
    broker.confirm("2", "4");
    await turns();
    expect(other.state).toBe("confirmed");
  });

  it("before anything was sent rejects all, and leaves no listener behind", async () => {
    const { broker, queue } = scriptedQueue();
    const abort = new AbortController();
    const added = vi.spyOn(abort.signal, "addEventListener");
    const removed = vi.spyOn(abort.signal, "removeEventListener");
    const early = watched(queue.publish("a", texts("1"), { signal: abort.signal }));
    broker.confirms = true;
    await turns();
    expect(early.state).toBe("confirmed");
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
    const call = watched(queue.publish("a", texts("2"), { signal: abort.signal }));
    abort.abort();
    await turns();
    expect(call.error).toMatchObject({ code: "PUBLISH_ABORTED", outcomes: ["rejected"] });
    await expect(queue.publish("a", texts("3"), { signal: abort.signal })).rejects.toMatchObject({ code: "PUBLISH_ABORTED", outcomes: ["rejected"] });
    expect(broker.sent).toEqual(["1"]);
  });
});

describe("the time of a call", () => {
  it("ends it: what was sent is unknown, the rest rejected, and what it sent still fills the window", async () => {
    const { broker, queue } = scriptedQueue({ window: 2 });
    const call = watched(queue.publish("a", texts("1", "2", "3")));
    await vi.advanceTimersByTimeAsync(500);
    const later = watched(queue.publish("a", texts("4")));
    await vi.advanceTimersByTimeAsync(500);
    expect(call.error).toMatchObject({ code: "PUBLISH_TIMEOUT", retryable: true, outcomes: ["unknown", "unknown", "rejected"] });
    expect([broker.sent, later.state]).toEqual([["1", "2"], "under way"]);
    broker.confirm("1", "2");
    await turns();
    broker.confirm("4");
    await turns();
    expect(later.state).toBe("confirmed");
  });

  it("ends it in time also when thousands behind it have ended before, and later ones in theirs", async () => {
    const { broker, queue } = scriptedQueue({ window: 10_000 });
    const stuck = watched(queue.publish("a", texts("stuck")));
    await turns();
    broker.confirms = true;
    for (let round = 0; round < 10; round++) {
      await Promise.all([...Array.from({ length: 500 }, (_, index) => queue.publish("a", texts(`${round}.${index}`))), turns()]);
    }
    broker.confirms = false;
    await vi.advanceTimersByTimeAsync(500);
    const later = watched(queue.publish("a", texts("later")));
    expect(queue.messages).toBe(2);
    await vi.advanceTimersByTimeAsync(500);
    expect([stuck.error?.outcomes, later.state]).toEqual([["unknown"], "under way"]);
    await vi.advanceTimersByTimeAsync(500);
    expect([later.error?.outcomes, queue.messages]).toEqual([["unknown"], 0]);
  });

  it("counts from the call on, for each by itself", async () => {
    const { queue } = scriptedQueue();
    const calls = [];
    for (let index = 0; index < 5; index++) {
      calls.push(watched(queue.publish("a", texts(String(index)))));
      await vi.advanceTimersByTimeAsync(100);
    }
    await vi.advanceTimersByTimeAsync(550);
    expect(calls.map(({ state }) => state)).toEqual(
      ["failed", "under way", "under way", "under way", "under way"].map((state, at) => (at < 1 ? "failed" : state)),
    );
    await vi.advanceTimersByTimeAsync(400);
    expect(calls.every(({ state }) => state === "failed")).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a full queue", () => {
  it("makes calls wait for room, first come first served, by messages and by bytes", async () => {
    for (const rules of [{ maxWaiting: 3 }, { maxWaitingBytes: 3 }]) {
      const { broker, queue } = scriptedQueue(rules);
      const calls = [texts("1", "2"), texts("3", "4"), texts("5")].map((messages) => watched(queue.publish("a", messages)));
      await turns();
      expect(broker.sent).toEqual(["1", "2"]); // 5 would have room, and is behind
      broker.confirm("1");
      await turns();
      expect(broker.sent).toEqual(["1", "2"]); // a call leaves as a whole
      broker.confirm("2");
      await turns();
      expect(broker.sent).toEqual(["1", "2", "3", "4", "5"]);
      broker.confirm("3", "4", "5");
      await turns();
      expect(calls.every(({ state }) => state === "confirmed")).toBe(true);
    }
  });

  it("lets one call alone in, of any size", async () => {
    const { broker, queue } = scriptedQueue({ maxWaiting: 2 });
    broker.confirms = true;
    await Promise.all([queue.publish("a", texts("1", "2", "3", "4", "5")), turns()]);
    expect(broker.sent).toHaveLength(5);
  });

  it("rejects whom it finds no room for in time, and lets nobody in whose time is up as well", async () => {
    const { broker, queue } = scriptedQueue({ maxWaiting: 1 });
    const calls = ["1", "2", "3"].map((text) => watched(queue.publish("a", texts(text))));
    await vi.advanceTimersByTimeAsync(1000);
    expect(calls.map(({ error }) => error?.outcomes)).toEqual([["unknown"], ["rejected"], ["rejected"]]);
    expect(calls[1]?.error).toMatchObject({ code: "PUBLISH_TIMEOUT", message: expect.stringContaining("no room") });
    await turns();
    expect(broker.sent).toEqual(["1"]);
    broker.confirm("1"); // late: its place in the window is free
    broker.confirms = true;
    await Promise.all([queue.publish("a", texts("4")), turns()]);
  });

  it("goes on with the next when one that waits for room is aborted", async () => {
    const { broker, queue } = scriptedQueue({ maxWaiting: 4 });
    const abort = new AbortController();
    void watched(queue.publish("a", texts("1", "2")));
    const large = watched(queue.publish("a", texts("x", "x", "x"), { signal: abort.signal }));
    void watched(queue.publish("a", texts("3")));
    await turns();
    abort.abort();
    await turns();
    expect(large.error?.outcomes).toEqual(["rejected", "rejected", "rejected"]);
    expect(broker.sent).toEqual(["1", "2", "3"]);
    broker.confirm("1", "2", "3");
    await queue.close();
  });

  it("refuses at sixteen times its bound with BUFFER_FULL", async () => {
    const { broker, queue } = scriptedQueue({ maxWaiting: 2 });
    const calls = Array.from({ length: 32 }, (_, index) => watched(queue.publish("a", texts(String(index)))));
    await expect(queue.publish("a", texts("no"))).rejects.toMatchObject({ code: "BUFFER_FULL", retryable: true, outcomes: ["rejected"] });
    broker.confirms = true;
    await vi.advanceTimersByTimeAsync(100);
    expect(calls.every(({ state }) => state === "confirmed")).toBe(true);
    expect(broker.sent).toEqual(calls.map((_, index) => String(index)));
  });
});

describe("closing", () => {
  it("lets nothing more in, waits for what is under way and for what waits for room, and disconnects", async () => {
    const { broker, queue } = scriptedQueue({ maxWaiting: 1 });
    const calls = ["1", "2"].map((text) => watched(queue.publish("a", texts(text))));
    await turns();
    const closing = watched(queue.close());
    await expect(queue.publish("a", texts("3"))).rejects.toMatchObject({ code: "CLOSED", outcomes: ["rejected"] });
    await expect(queue.push("a", ["3"])).rejects.toMatchObject({ code: "CLOSED" });
    broker.confirm("1");
    await turns();
    expect([closing.state, broker.disconnected.length]).toEqual(["under way", 0]);
    broker.confirm("2");
    await turns();
    expect(calls.every(({ state }) => state === "confirmed")).toBe(true);
    expect([closing.state, broker.disconnected.length]).toEqual(["confirmed", 1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends with the time of the last call when nobody answers", async () => {
    const { queue } = scriptedQueue();
    void watched(queue.publish("a", texts("1")));
    await turns();
    const closing = watched(queue.close());
    await vi.advanceTimersByTimeAsync(1000);
    expect(closing.state).toBe("confirmed");
  });

  it("by stop ends what is under way now, and leaves a link that is being made", async () => {
    const { broker, queue } = scriptedQueue({ maxWaiting: 1 });
    let made = (): void => {};
    broker.connecting = new Promise((resolve) => {
      made = resolve;
    });
    const calls = ["1", "2"].map((text) => watched(queue.publish("a", texts(text))));
    await turns();
    await queue.stop();
    for (const { error } of calls) expect(error).toMatchObject({ code: "CLOSED", outcomes: ["rejected"] });
    made();
    await turns();
    expect(broker.disconnected).toEqual(broker.links);
    expect([broker.sent, vi.getTimerCount()]).toEqual([[], 0]);
  });
});
