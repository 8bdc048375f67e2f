import { describe, expect, it, vi } from "vitest";
import { isPermanent, OptionError, PublishError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { silentLogger } from "../logger/index.ts";
import { type Capabilities, Message, type PublishOptions } from "../message/index.ts";
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

  it("sends every message without a key, and tells each its own outcome", async () => {
    for (const key of [undefined, () => "", () => undefined, () => null as never, async () => undefined]) {
      const inner = new RecordingPublisher();
      const publisher = deduplicatePublisher({ key })(inner);
      await publisher.publish("a", [message(""), message("")]);
      await publisher.publish("a", message(""));
      expect(inner.published).toHaveLength(3);
    }
    const { inner, publisher } = setUp();
    await publisher.publish("a", message("old"));
    inner.error = new PublishError("half", { code: "PUBLISH_FAILED", outcomes: ["confirmed", "rejected", "unknown"] });
    const list = [message(""), message("old"), message("1"), message(""), message("1")];
    await expect(publisher.publish("a", list)).rejects.toMatchObject({ outcomes: ["confirmed", "confirmed", "rejected", "unknown", "rejected"] });
  });

  it("records nothing of a message without a key", async () => {
    const record = vi.fn();
    await deduplicatePublisher({ repository: { has: () => false, record } })(new RecordingPublisher()).publish("a", [message(""), message("1")]);
    expect(record.mock.calls).toEqual([["a/1"]]);
  });

  it("does not make a message without a key wait for another one", async () => {
    const { inner, publisher } = setUp();
    const publish = inner.publish.bind(inner);
    inner.publish = async (topic, messages) => {
      if (inner.calls++ === 0) await new Promise(() => {});
      await publish(topic, messages);
    };
    void publisher.publish("a", message(""));
    await publisher.publish("a", message(""));
    expect(inner.published).toHaveLength(1);
  });

  it("ends the wait when the caller's signal aborts: nothing was sent", async () => {
    const { inner, publisher } = setUp();
    inner.publish = () => new Promise(() => {});
    void publisher.publish("a", message("1"));
    const abort = new AbortController();
    const call = publisher.publish("a", [message("1"), message("2")], { signal: abort.signal });
    const outcome = expect(call).rejects.toMatchObject({ name: "PublishError", code: "PUBLISH_ABORTED", outcomes: ["rejected", "rejected"], cause: "stop" });
    abort.abort("stop");
    await outcome;
  });

  it("says that its messages are out although they cannot be recorded, and logs that", async () => {
    for (const confirmed of [true, false]) {
      const lines: object[] = [];
      const inner = new RecordingPublisher();
      const down = new Error("the repository is down");
      const warn = (fields: object): void => {
        lines.push(fields);
        throw new Error("the logger is broken too");
      };
      const logger = { ...silentLogger, warn };
      const publisher = deduplicatePublisher({ repository: { has: () => false, record: () => Promise.reject(down) }, logger })(inner);
      inner.error = confirmed ? undefined : new PublishError("half", { code: "PUBLISH_FAILED", outcomes: ["confirmed", "rejected"] });
      const call = publisher.publish("a", [message("1"), message("2")]);
      if (confirmed) await call;
      else await expect(call).rejects.toBe(inner.error);
      expect(lines).toMatchObject(Array(confirmed ? 2 : 1).fill({ err: down, topic: "a" }));
    }
  });

  it("shows the capabilities of what it wraps", () => {
    const capabilities = { durable: true } as Capabilities;
    expect(deduplicatePublisher()(Object.assign(new RecordingPublisher(), { capabilities })).capabilities).toBe(capabilities);
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

  it("sends nothing when a key or the repository cannot be asked, and can be called again", async () => {
    const inner = new RecordingPublisher();
    const publisher = deduplicatePublisher({ key: keyFromMetadata("k") })(inner);
    const refused = await publisher.publish("a", [new Message("1", { metadata: { k: "1" } }), new Message("2")]).catch((error: unknown) => error);
    const cause = expect.objectContaining({ code: "DEDUPLICATION_KEY_MISSING" });
    expect(refused).toMatchObject({ name: "PublishError", code: "DEDUPLICATION_FAILED", retryable: false, outcomes: ["rejected", "rejected"], cause });
    expect(isPermanent(refused)).toBe(true);
    await publisher.publish("a", new Message("1", { metadata: { k: "1" } }));
    expect(inner.calls).toBe(1);

    let down = true;
    const has = (): boolean => {
      if (down) throw new Error("the repository is down");
      return false;
    };
    const other = deduplicatePublisher({ repository: { has, record: () => {} } })(inner);
    await expect(other.publish("a", message("1"))).rejects.toMatchObject({ code: "DEDUPLICATION_FAILED", retryable: true, outcomes: ["rejected"] });
    down = false;
    await other.publish("a", message("1"));
    expect(inner.calls).toBe(2);
  });

  it("refuses bad options and a missing publisher", () => {
    expect(() => deduplicatePublisher({ key: 1, repository: {}, logger: {} } as never)).toThrow(/key.*repository.*logger/);
    expect(() => deduplicatePublisher()(undefined as never)).toThrow(OptionError);
  });
});
