import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Message } from "../../message/index.ts";
import { forbidden, scriptedQueue, texts, turns, watched } from "./scripted-broker.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const refused = new Error("refused");

describe("a publish queue", () => {
  it("does no I/O before the first message, and resolves an empty call at once", async () => {
    const { broker, queue } = scriptedQueue();
    await queue.publish("a", []);
    await turns();
    expect(broker.connects).toBe(0);
    await queue.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("sends the calls of one turn together, in their order, and resolves each when all of it is confirmed", async () => {
    const { broker, queue } = scriptedQueue();
    const one = watched(queue.publish("a", texts("1", "2")));
    const two = watched(queue.publish("a", texts("3")));
    await turns();
    expect(broker.batches.map((batch) => batch.map(({ item }) => item))).toEqual([["1", "2", "3"]]);
    broker.confirm("3", "1");
    await turns();
    expect([one.state, two.state]).toEqual(["under way", "confirmed"]);
    broker.confirm("2");
    await turns();
    expect(one.state).toBe("confirmed");
    expect(queue.messages).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keeps a window of messages without an answer, counted from the oldest", async () => {
    const { broker, queue } = scriptedQueue({ window: 3 });
    void watched(queue.publish("a", texts("1", "2", "3", "4", "5")));
    await turns();
    expect(broker.sent).toEqual(["1", "2", "3"]);
    broker.confirm("2");
    await turns();
    expect(broker.sent).toEqual(["1", "2", "3"]);
    broker.confirm("1");
    await turns();
    expect(broker.sent).toEqual(["1", "2", "3", "4", "5"]);
    broker.confirm("3", "4", "5");
    await queue.close();
  });

  it("keeps a window of bytes, in which one message may be of any size", async () => {
    const { broker, queue } = scriptedQueue({ windowBytes: 6 });
    void watched(queue.publish("a", texts("123456", "abcdef", "x".repeat(50), "end")));
    await turns();
    expect(broker.sent).toEqual(["123456"]);
    broker.confirm("123456");
    await turns();
    expect(broker.sent).toEqual(["123456", "abcdef"]);
    broker.confirm("abcdef");
    await turns();
    expect(broker.sent.at(-1)).toBe("x".repeat(50));
    broker.confirm("x".repeat(50));
    await turns();
    broker.confirm("end");
    await queue.close();
  });

  it("cuts batches by number and by bytes", async () => {
    const { broker, queue } = scriptedQueue({ batch: 2, batchBytes: 8 });
    broker.confirms = true;
    await Promise.all([queue.publish("a", texts("1", "2", "3", "12345", "abcde", "x".repeat(20), "4")), turns()]);
    expect(broker.batches.map((batch) => batch.map(({ item }) => item))).toEqual([["1", "2"], ["3", "12345"], ["abcde"], ["x".repeat(20)], ["4"]]);
  });

  it("sends lanes beside each other, each over a link of its own", async () => {
    const { broker, queue } = scriptedQueue({ window: 1 });
    const slow = watched(queue.publish("a", texts("a1", "a2")));
    const other = watched(queue.publish("b", texts("b1")));
    await turns();
    broker.confirm("b1");
    await turns();
    expect([slow.state, other.state]).toEqual(["under way", "confirmed"]);
    expect(broker.links.map(({ lane }) => lane)).toEqual(["a", "b"]);
    broker.confirm("a1");
    await turns();
    broker.confirm("a2");
    await queue.close();
    expect(broker.disconnected).toEqual(broker.links);
  });

  it("gives the link of a resting lane up when there are too many, and connects again when it is used", async () => {
    const { broker, queue } = scriptedQueue({ maxLinks: 2 });
    broker.confirms = true;
    for (const lane of ["a", "b", "c", "a"]) await Promise.all([queue.publish(lane, texts(lane)), turns()]);
    expect(broker.links.map(({ lane }) => lane)).toEqual(["a", "b", "c", "a"]);
    expect(broker.disconnected.map(({ lane }) => lane)).toEqual(["a", "b"]);
    await queue.close();
  });

  it("publishes what is encoded already", async () => {
    const { broker, queue } = scriptedQueue();
    broker.confirms = true;
    await Promise.all([queue.push("a", ["x", "y"]), turns()]);
    expect(broker.sent).toEqual(["x", "y"]);
  });
});

describe("a message that fails", () => {
  it("fails its call: what was not sent of it is rejected, what was sent has its own fate, other calls go their way", async () => {
    const { broker, queue } = scriptedQueue({ window: 3 });
    const failing = watched(queue.publish("a", texts("1", "2", "3", "4")));
    const other = watched(queue.publish("a", texts("5")));
    await turns();
    broker.of("2")[0]?.reject(refused);
    await turns();
    expect(failing.state).toBe("under way");
    broker.of("1")[0]?.unknown(new Error("later"));
    broker.confirm("3");
    await turns();
    expect(failing.error).toMatchObject({ code: "SCRIPTED_ERROR", message: "refused", outcomes: ["unknown", "rejected", "confirmed", "rejected"] });
    expect(broker.sent).toEqual(["1", "2", "3", "5"]);
    broker.confirm("5");
    await turns();
    expect(other.state).toBe("confirmed");
  });

  it("lets nothing more of its call into the room that it leaves", async () => {
    const { broker, queue } = scriptedQueue({ window: 2 });
    const failing = watched(queue.publish("a", texts("1", "2", "3")));
    await turns();
    broker.of("1")[0]?.reject(refused);
    await turns();
    expect([failing.state, broker.sent]).toEqual(["under way", ["1", "2"]]);
    broker.confirm("2");
    await turns();
    expect(failing.error?.outcomes).toEqual(["rejected", "confirmed", "rejected"]);
    expect(broker.sent).toEqual(["1", "2"]);
  });

  it("rejects its whole call when it cannot be encoded or has to wait, and nothing is sent behind it", async () => {
    const { broker, queue } = scriptedQueue();
    broker.confirms = true;
    await expect(queue.publish("a", texts("1", "bad"))).rejects.toMatchObject({ code: "UNENCODABLE", outcomes: ["rejected", "rejected"] });
    const held = queue.publish("a", [new Message("2"), new Message("3", { delayMs: 60_000 }), new Message("4")]);
    await Promise.all([expect(held).rejects.toMatchObject({ code: "DELAY_UNSUPPORTED", outcomes: ["confirmed", "rejected", "rejected"] }), turns()]);
    expect(broker.sent).toEqual(["2"]);
  });

  it("has one answer: the first", async () => {
    const { broker, queue } = scriptedQueue();
    const call = watched(queue.publish("a", texts("1", "2")));
    await turns();
    broker.confirm("1");
    broker.of("1")[0]?.reject(refused);
    broker.of("1")[0]?.again(refused);
    broker.confirm("2");
    await turns();
    expect(call.state).toBe("confirmed");
  });

  it("is sent again in its place, after a pause, when the broker surely does not have it for a reason that passes", async () => {
    const { broker, queue } = scriptedQueue({ window: 2 });
    const call = watched(queue.publish("a", texts("1", "2", "3")));
    await turns();
    const busy = new Error("busy");
    for (const message of broker.batches[0]?.toReversed() ?? []) message.again(busy);
    await turns();
    expect(broker.sent).toEqual(["1", "2"]);
    expect(queue.trouble).toBe(busy);
    await vi.advanceTimersByTimeAsync(100);
    expect(broker.sent).toEqual(["1", "2", "1", "2"]);
    broker.confirm("1", "2");
    await turns();
    broker.confirm("3");
    await turns();
    expect(call.state).toBe("confirmed");
    expect(queue.trouble).toBeUndefined();
  });

  it("is rejected, not unknown, when time is up while it waits to be sent again", async () => {
    const { broker, queue } = scriptedQueue({ timeoutMs: 60 });
    const call = watched(queue.publish("a", texts("1")));
    await turns();
    broker.of("1")[0]?.again(new Error("busy"));
    await vi.advanceTimersByTimeAsync(60);
    expect(call.error?.outcomes).toEqual(["rejected"]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(broker.sent).toEqual(["1"]);
  });
});

describe("sending", () => {
  it("waits for the end of a send that answers with a promise, and then sends what has gathered", async () => {
    const { broker, queue } = scriptedQueue();
    broker.confirms = true;
    let finish = (): void => {};
    broker.sending = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    void watched(queue.publish("a", texts("1")));
    await turns();
    void watched(queue.publish("a", texts("2")));
    void watched(queue.publish("a", texts("3")));
    await turns();
    expect(broker.batches).toHaveLength(1);
    broker.sending = undefined;
    finish();
    await turns();
    expect(broker.batches[1]?.map(({ item }) => item)).toEqual(["2", "3"]);
    await queue.close();
  });

  it.each(["throws", "rejects"])("makes unknown what a send that %s has not answered, and goes on", async (way) => {
    const { broker, queue } = scriptedQueue();
    const broken = new Error("broken pipe");
    broker.sending = ([first]) => {
      first?.confirm();
      broker.sending = undefined;
      if (way === "rejects") return Promise.reject(broken);
      throw broken;
    };
    const call = watched(queue.publish("a", texts("1", "2")));
    await turns();
    expect(call.error).toMatchObject({ message: "broken pipe", outcomes: ["confirmed", "unknown"] });
    broker.confirms = true;
    await Promise.all([queue.publish("a", texts("3")), turns()]);
    expect(broker.connects).toBe(1);
  });

  it("waits until the link is ready for the next message", async () => {
    const { broker, queue } = scriptedQueue();
    let free = (): void => {};
    broker.readying = ({ item }) => {
      if (item !== "2") return undefined;
      return new Promise((resolve) => {
        free = resolve;
      });
    };
    const call = watched(queue.publish("a", texts("1", "2")));
    await turns();
    void watched(queue.publish("a", texts("3")));
    broker.confirm("1");
    await turns();
    expect(broker.sent).toEqual(["1"]);
    broker.readying = undefined;
    free();
    await turns();
    expect(broker.sent).toEqual(["1", "2", "3"]);
    broker.confirm("2", "3");
    await turns();
    expect(call.state).toBe("confirmed");
  });

  it.each([
    ["later", (error: Error) => Promise.reject(error)],
    [
      "at once",
      (error: Error) => {
        throw error;
      },
    ],
  ] as const)("rejects a message that the link can never be ready for, and pauses where that passes, should it say so %s", async (_when, fail) => {
    const { broker, queue } = scriptedQueue();
    broker.confirms = true;
    broker.readying = ({ item }) => (item === "never" ? fail(forbidden()) : undefined);
    const never = watched(queue.publish("a", texts("never")));
    const other = watched(queue.publish("a", texts("other")));
    await turns();
    expect(never.error).toMatchObject({ code: "ACCESS_DENIED", outcomes: ["rejected"] });
    expect(other.state).toBe("confirmed");
    let tries = 0;
    broker.readying = () => (++tries < 3 ? fail(new Error("not yet")) : undefined);
    const later = watched(queue.publish("a", texts("later")));
    await turns();
    expect([tries, later.state]).toEqual([1, "under way"]);
    await vi.advanceTimersByTimeAsync(400);
    expect([tries, later.state]).toEqual([3, "confirmed"]);
  });
});
