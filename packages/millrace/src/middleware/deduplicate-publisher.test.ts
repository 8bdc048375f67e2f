import { describe, expect, it } from "vitest";
import { OptionError, PublishError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { Message, type PublishOptions } from "../message/index.ts";
import { deduplicatePublisher } from "./deduplicate-publisher.ts";
import { keyFromMetadata } from "./deduplication-key.ts";
import { RecordingPublisher } from "./received.fixture.ts";

const message = (id: string) => new Message(id, { id });

function setUp() {
  const inner = new RecordingPublisher();
  const sent = () => inner.published.map(({ topic, message }) => `${topic}:${message.id}`);
  return { inner, sent, publisher: deduplicatePublisher()(inner) };
}

describe("deduplicatePublisher", () => {
  it("sends each message once per topic, also within one call, in order", async () => {
    const { inner, sent, publisher } = setUp();
    await publisher.publish("a", [message("1"), message("2"), message("1")]);
    await publisher.publish("a", [message("2"), message("3")]);
    await publisher.publish("b", message("1"));
    expect(sent()).toEqual(["a:1", "a:2", "a:3", "b:1"]);
    expect(inner.calls).toBe(3);
  });

  it("publishes nothing, rather than an empty list, when all are duplicates", async () => {
    const { inner, publisher } = setUp();
    await publisher.publish("a", message("1"));
    await publisher.publish("a", [message("1")]);
    await publisher.publish("a", []);
    expect(inner.calls).toBe(1);
  });

  it("records nothing of a publish that failed, and passes its error through", async () => {
    const { inner, sent, publisher } = setUp();
    inner.error = new Error("down");
    await expect(publisher.publish("a", message("1"))).rejects.toBe(inner.error);
    inner.error = undefined;
    await publisher.publish("a", message("1"));
    expect(sent()).toEqual(["a:1"]);
  });

  it("tells the outcome of every message of the caller's list, and records what was confirmed", async () => {
    const { inner, sent, publisher } = setUp();
    await publisher.publish("a", message("old"));
    const own = new PublishError("half", { code: "PUBLISH_FAILED", retryable: true, outcomes: ["confirmed", "rejected"] });
    inner.error = own;
    const error = await publisher.publish("a", [message("1"), message("old"), message("2"), message("1")]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "PUBLISH_FAILED", retryable: true, cause: own, outcomes: ["confirmed", "confirmed", "rejected", "confirmed"] });
    inner.error = undefined;
    await publisher.publish("a", [message("1"), message("2")]);
    expect(sent()).toEqual(["a:old", "a:2"]);
  });

  it("passes a publisher's error through as it is when nothing was left out", async () => {
    const { inner, publisher } = setUp();
    inner.error = new PublishError("no", { code: "PUBLISH_FAILED", outcomes: ["unknown"] });
    await expect(publisher.publish("a", message("1"))).rejects.toBe(inner.error);
  });

  it("makes a call wait for another that sends the same key, and send it itself when that fails", async () => {
    for (const fails of [false, true]) {
      const { inner, sent, publisher } = setUp();
      const gate = deferred<void>();
      const publish = inner.publish.bind(inner);
      inner.publish = async (topic, messages) => {
        if (inner.calls++ === 0) await gate.promise;
        await publish(topic, messages);
      };
      const first = publisher.publish("a", message("1"));
      const second = publisher.publish("a", [message("1"), message("2")]);
      if (fails) gate.reject(new Error("down"));
      else gate.resolve();
      const outcomes = await Promise.allSettled([first, second]);
      expect(outcomes.map(({ status }) => status)).toEqual([fails ? "rejected" : "fulfilled", "fulfilled"]);
      expect(sent().sort()).toEqual(["a:1", "a:2"]);
    }
  });

  it("ends the wait when the caller's signal aborts", async () => {
    const { inner, publisher } = setUp();
    inner.publish = () => new Promise(() => {});
    void publisher.publish("a", message("1"));
    const abort = new AbortController();
    const outcome = expect(publisher.publish("a", message("1"), { signal: abort.signal })).rejects.toBe("stop");
    abort.abort("stop");
    await outcome;
  });

  it("hands options on and closes what it wraps", async () => {
    const { inner, publisher } = setUp();
    const seen: (PublishOptions | undefined)[] = [];
    inner.publish = async (_topic: string, _messages: unknown, options?: PublishOptions) => void seen.push(options);
    const options = { signal: new AbortController().signal };
    await publisher.publish("a", message("1"), options);
    expect(seen).toEqual([options]);
    await publisher.close();
    await publisher[Symbol.asyncDispose]();
    expect(inner.closed).toBe(2);
  });

  it("sends nothing when a key cannot be told", async () => {
    const inner = new RecordingPublisher();
    const publisher = deduplicatePublisher({ key: keyFromMetadata("k") })(inner);
    await expect(publisher.publish("a", [new Message("1", { metadata: { k: "1" } }), new Message("2")])).rejects.toMatchObject({
      code: "DEDUPLICATION_KEY_MISSING",
    });
    expect(inner.calls).toBe(0);
    await publisher.publish("a", new Message("1", { metadata: { k: "1" } }));
    expect(inner.calls).toBe(1);
  });

  it("refuses bad options and a missing publisher", () => {
    expect(() => deduplicatePublisher({ key: 1 as never, repository: {} as never })).toThrow(/key.*repository/);
    expect(() => deduplicatePublisher()(undefined as never)).toThrow(OptionError);
  });
});
