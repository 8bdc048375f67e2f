import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { deferred } from "../../internal/deferred.ts";
import { RecordingLogger } from "../../logger/recording-logger.fixture.ts";
import { away, forbidden, scriptedQueue, texts, turns, watched } from "./scripted-broker.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a broker that cannot be reached", () => {
  it("is tried again with backoff while somebody waits, who is told of it once after a second", async () => {
    const logger = new RecordingLogger();
    const { broker, queue } = scriptedQueue({ timeoutMs: 30_000, logger });
    broker.refusals.push(...Array.from({ length: 4 }, away));
    broker.confirms = true;
    const call = watched(queue.publish("a", texts("1")));
    await turns();
    expect([broker.connects, call.state]).toEqual([1, "under way"]);
    await vi.advanceTimersByTimeAsync(35);
    expect(broker.connects).toBe(1); // at least half of 100 ms
    await vi.advanceTimersByTimeAsync(1500);
    expect([broker.connects, call.state]).toEqual([5, "confirmed"]);
    expect(queue.trouble).toBeUndefined();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(broker.connects).toBe(5);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is warned of once after a second, with its reason, and again only after it was there", async () => {
    const logger = new RecordingLogger();
    const { broker, queue } = scriptedQueue({ timeoutMs: 60_000, logger });
    const told = (): unknown[] => logger.at("warn").filter(({ text }) => text.includes("until its time is up"));
    broker.refusals.push(...Array.from({ length: 8 }, away));
    broker.confirms = true;
    void watched(queue.publish("a", texts("1", "2")));
    await vi.advanceTimersByTimeAsync(990);
    expect(told()).toEqual([]);
    await vi.advanceTimersByTimeAsync(4000);
    expect(told()).toHaveLength(1);
    expect(told()[0]).toMatchObject({ fields: { adapter: "scripted", messages: 2, error: { code: "BROKER_UNREACHABLE" } } });
    await vi.advanceTimersByTimeAsync(40_000);
    expect(told()).toHaveLength(1);
  });

  it("is warned of after a second also when connecting neither succeeds nor fails, and is the reason when time is up", async () => {
    const logger = new RecordingLogger();
    const { broker, queue } = scriptedQueue({ timeoutMs: 2_000, logger });
    broker.connecting = new Promise(() => {});
    const call = watched(queue.publish("a", texts("1")));
    await vi.advanceTimersByTimeAsync(1_100);
    expect(logger.at("warn")).toMatchObject([{ fields: { messages: 1, error: { code: "BROKER_UNREACHABLE" } } }]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(call.error).toMatchObject({ code: "BROKER_UNREACHABLE", retryable: true, outcomes: ["rejected"] });
  });

  it("is warned of after a second also when that was known before anybody waited", async () => {
    const logger = new RecordingLogger();
    const { broker, queue } = scriptedQueue({ timeoutMs: 60_000, logger });
    broker.confirms = true;
    void watched(queue.publish("a", texts("1")));
    await turns();
    broker.link.lose(away());
    broker.connecting = new Promise(() => {});
    void watched(queue.publish("a", texts("2")));
    await vi.advanceTimersByTimeAsync(1_100);
    expect(logger.at("warn").filter(({ text }) => text.includes("until its time is up"))).toMatchObject([
      { fields: { error: { code: "BROKER_UNREACHABLE" } } },
    ]);
  });

  it("rejects a call when its time is up, by the reason", async () => {
    const { broker, queue } = scriptedQueue();
    broker.refusals.push(...Array.from({ length: 50 }, away));
    const call = watched(queue.publish("a", texts("1", "2")));
    await vi.advanceTimersByTimeAsync(1000);
    expect(call.error).toMatchObject({ code: "BROKER_UNREACHABLE", retryable: true, outcomes: ["rejected", "rejected"] });
    expect(call.error?.message).toContain("within 1000 ms: nobody is there");
    const { connects } = broker;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(broker.connects).toBeLessThanOrEqual(connects + 1); // nobody waits
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends the calls of its lane at once when trying again cannot help, and is asked again by the next one", async () => {
    const { broker, queue } = scriptedQueue();
    broker.refusals.push(forbidden());
    broker.confirms = true;
    const calls = ["1", "2"].map((text) => watched(queue.publish("a", texts(text))));
    await turns();
    for (const call of calls) expect(call.error).toMatchObject({ code: "ACCESS_DENIED", retryable: false, outcomes: ["rejected"] });
    const next = watched(queue.publish("a", texts("3")));
    await vi.advanceTimersByTimeAsync(200);
    expect(next.state).toBe("confirmed");
  });
});

describe("a link that breaks", () => {
  it("makes unknown what it has not answered, and nothing is sent twice; what was not sent goes over the next one at once", async () => {
    const { broker, queue } = scriptedQueue({ window: 2 });
    const begun = watched(queue.publish("a", texts("1", "2", "3")));
    const waiting = watched(queue.publish("a", texts("4")));
    await turns();
    broker.confirm("1");
    await turns();
    broker.link.lose(away());
    await turns();
    expect(begun.error).toMatchObject({ code: "BROKER_UNREACHABLE", outcomes: ["confirmed", "unknown", "unknown"] });
    expect(broker.sent).toEqual(["1", "2", "3", "4"]);
    broker.confirm("4");
    await turns();
    expect(waiting.state).toBe("confirmed");
  });

  it("has what it has not answered sent again first and in order, where the broker removes repeats", async () => {
    const { broker, queue } = scriptedQueue({ window: 2, deduplicates: true });
    const call = watched(queue.publish("a", texts("1", "2", "3", "4")));
    await turns();
    broker.confirm("1");
    await turns(); // 2 and 3 are on the link
    broker.link.lose(away());
    await turns();
    expect(broker.sent).toEqual(["1", "2", "3", "2", "3"]);
    broker.link.lose(away()); // it has confirmed nothing: a pause
    await turns();
    expect(broker.links).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(100);
    expect(broker.sent).toEqual(["1", "2", "3", "2", "3", "2", "3"]);
    broker.confirm("2", "3");
    await turns();
    broker.confirm("4");
    await turns();
    expect(call.state).toBe("confirmed");
  });

  it("leaves unknown what was sent again without an answer when time is up, and takes it from the lane", async () => {
    const { broker, queue } = scriptedQueue({ deduplicates: true, timeoutMs: 6000 });
    const call = watched(queue.publish("a", texts("1")));
    await turns();
    broker.refusals.push(...Array.from({ length: 50 }, away));
    broker.link.lose(away());
    await vi.advanceTimersByTimeAsync(6000);
    expect(call.error).toMatchObject({ code: "BROKER_UNREACHABLE", outcomes: ["unknown"] });
    broker.refusals.length = 0;
    broker.confirms = true;
    void watched(queue.publish("a", texts("2")));
    await vi.advanceTimersByTimeAsync(6000);
    expect(broker.sent).toEqual(["1", "2"]);
  });

  it("pauses before what a failed send has to repeat", async () => {
    const { broker, queue } = scriptedQueue({ deduplicates: true });
    broker.sending = () => Promise.reject(new Error("no answer"));
    const call = watched(queue.publish("a", texts("1")));
    await turns();
    expect(broker.sent).toEqual(["1"]);
    broker.sending = undefined;
    broker.confirms = true;
    await vi.advanceTimersByTimeAsync(100);
    expect(broker.sent).toEqual(["1", "1"]);
    expect(call.state).toBe("confirmed");
  });

  it("says nothing more of what another link has taken over, but a confirmation counts", async () => {
    const { broker, queue } = scriptedQueue({ deduplicates: true });
    const call = watched(queue.publish("a", texts("1", "2")));
    await turns();
    const [former] = broker.links;
    former?.lose(away());
    await vi.advanceTimersByTimeAsync(100);
    former?.lose(away());
    broker.of("1")[0]?.confirm();
    await turns();
    expect(broker.links).toHaveLength(2);
    broker.confirm("2");
    await turns();
    expect(call.state).toBe("confirmed");
  });

  it("says nothing more of it by a send that fails late", async () => {
    const { broker, queue } = scriptedQueue({ deduplicates: true, timeoutMs: 30_000 });
    const late = deferred<void>();
    broker.sending = () => late.promise;
    const call = watched(queue.publish("a", texts("1", "2")));
    await turns();
    broker.sending = undefined;
    broker.link.lose(away());
    await vi.advanceTimersByTimeAsync(100);
    late.reject(new Error("no answer in time"));
    await vi.advanceTimersByTimeAsync(1_000);
    expect([broker.sent, queue.trouble]).toEqual([["1", "2", "1", "2"], undefined]);
    broker.confirm("1", "2");
    await turns();
    expect(call.state).toBe("confirmed");
  });

  it("that answered something, be it a refusal, is connected anew at once; one that never did, after a pause", async () => {
    const { broker, queue } = scriptedQueue({ window: 1 });
    const calls = Array.from({ length: 20 }, (_, index) => watched(queue.publish("a", texts(String(index)))));
    for (const [index] of calls.entries()) {
      await turns();
      broker.of(String(index))[0]?.reject(forbidden());
      broker.link.lose(away());
    }
    await turns();
    expect(calls.map(({ error }) => error?.code)).toEqual(calls.map(() => "ACCESS_DENIED"));
    expect(broker.connects).toBe(20);
    for (const text of ["silent", "waits"]) void watched(queue.publish("a", texts(text)));
    await turns();
    broker.link.lose(away());
    await turns();
    expect(broker.connects).toBe(21);
    await queue.stop();
  });

  it("that was not wholly open is connected anew", async () => {
    const { broker, queue } = scriptedQueue();
    const connect = broker.connect.bind(broker);
    broker.connect = async (lane, lost) => {
      const link = await connect(lane, lost);
      if (broker.links.length === 1) lost(away());
      return link;
    };
    broker.confirms = true;
    const call = watched(queue.publish("a", texts("1")));
    await vi.advanceTimersByTimeAsync(101);
    expect([broker.links.length, call.state]).toEqual([2, "confirmed"]);
  });
});
