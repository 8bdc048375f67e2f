import { describe, expect, it, onTestFinished, vi } from "vitest";
import { PublishError } from "../errors/index.ts";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { Message } from "../message/index.ts";
import type { HandlerHealth } from "../router/index.ts";
import { harness } from "../testing/index.ts";
import { Relay, type Route } from "./relay.ts";
import { refusal, refuses, setUp } from "./rig.fixture.ts";
import { Target } from "./target.fixture.ts";

const patiently = { timeout: 5_000, interval: 2 };

/** A relay on a clock that stands still until told otherwise. */
async function timed(route: Partial<Route> = {}) {
  const app = harness();
  const target = new Target();
  const logger = new RecordingLogger();
  const relay = new Relay({ logger });
  const open: Route["open"] = (message) => ({ topic: "out", message });
  relay.add({ name: "relay", subscriber: app.pubsub, topic: "in", group: "g", batch: 10, maxWaitMs: 0, publisher: target, open, ...route });
  await app.run(relay.start());
  const health = (): HandlerHealth => relay.health().handlers.relay as HandlerHealth;
  onTestFinished(async () => {
    vi.restoreAllMocks();
    await app.run(relay.close());
    await app[Symbol.asyncDispose]();
  });
  return { app, target, logger, health };
}

describe("the health of a relay", () => {
  it("shows the last error from the first failure on", async () => {
    const { app, target, health } = await timed();
    const error = new Error("down");
    target.before = () => {
      throw error;
    };
    await app.pubsub.publish("in", new Message("1"));
    await app.advance(0);
    expect(target.calls).toHaveLength(1);
    expect(health()).toMatchObject({ state: "running", lastError: error });
  });

  it("says failing, and which message does not get through, when one has not for 5 s, however few its attempts", async () => {
    const { app, target, logger, health } = await timed({ failure: { minDelayMs: 60_000, maxDelayMs: 60_000, attempts: 50 } });
    const error = new PublishError("down", { code: "BROKER_UNREACHABLE", retryable: true, outcomes: ["rejected"] });
    target.before = () => {
      throw error;
    };
    vi.spyOn(Math, "random").mockReturnValue(1); // no jitter: the second attempt is a minute away
    const since = app.now;
    await app.pubsub.publish("in", new Message("1"));
    await app.advance(4_900);
    expect(health().state).toBe("running");
    await app.advance(200);
    expect(target.calls).toHaveLength(1);
    expect(health()).toMatchObject({ state: "failing", since, lastError: error, detail: expect.stringMatching(/does not get through$/) });
    await app.advance(60_000);
    expect(target.calls).toHaveLength(2);
    expect(logger.saying("does not get through")).toMatchObject([{ level: "error", fields: { handler: "relay", topic: "in", attempt: 2, error } }]);
    target.before = () => {};
    await app.settled({ withinMs: 120_000 });
    expect(target.texts).toEqual(["1"]);
    expect(health()).toMatchObject({ state: "running", attempts: 0 });
  });

  it("says failing at the stated number of attempts, if that comes first", async () => {
    const { target, relay, publish, close, health } = await setUp({ failure: { attempts: 4, minDelayMs: 1, maxDelayMs: 2, deadLetter: undefined } });
    target.before = (_topic, messages) => {
      throw refusal(messages, "BROKER_UNREACHABLE", "rejected", true);
    };
    const states = new Map<number, string | undefined>();
    await publish("a1");
    await relay.start();
    await vi.waitFor(() => {
      const { attempts = 0, state } = health() ?? {};
      states.set(attempts, state);
      expect(attempts).toBeGreaterThan(4);
    }, patiently);
    expect(health()?.state).toBe("failing");
    expect([...states].filter(([attempts]) => attempts < 4).map(([, state]) => state)).not.toContain("failing");
    target.before = () => {};
    await relay.idle();
    expect(health()).toMatchObject({ state: "running", attempts: 0 });
    await close();
  });

  it("says failing at once, and in the log, where trying again cannot help", async () => {
    const { app, target, logger, health } = await timed();
    target.before = refuses("2");
    await app.pubsub.publish("in", [new Message("1"), new Message("2"), new Message("3")]);
    await app.advance(0);
    expect(target.texts).toEqual(["1"]);
    expect(health()).toMatchObject({ state: "failing", attempts: 1, lastError: expect.objectContaining({ code: "TRANSFORM_FAILED" }) });
    expect(logger.saying("does not get through")).toHaveLength(1);
    await app.advance(1_000);
    expect(logger.saying("does not get through")).toHaveLength(1);
  });

  it("says nothing of a message that the dead letter has taken", async () => {
    const { target, dead, logger, relay, publish, close, health } = await setUp({ failure: { attempts: 1 } });
    target.before = refuses("a1");
    await publish("a1", "a2");
    await relay.start();
    await relay.idle();
    expect(dead.texts).toEqual(["a1"]);
    expect(health()?.state).toBe("running");
    expect(logger.saying("does not get through")).toEqual([]);
    await close();
  });

  it("says failing while the dead letter itself cannot be reached", async () => {
    const { target, dead, relay, publish, close, health } = await setUp({ failure: { attempts: 2, maxDelayMs: 5 } });
    target.before = refuses("a1");
    dead.before = () => {
      throw new Error("the dead letter is down");
    };
    await publish("a1", "a2");
    await relay.start();
    await vi.waitFor(() => expect(health()?.state).toBe("failing"), patiently);
    dead.before = () => {};
    await relay.idle();
    expect([dead.texts, target.texts]).toEqual([["a1"], ["a2"]]);
    expect(health()?.state).toBe("running");
    await close();
  });

  it("begins anew when the relay is started again", async () => {
    const { target, relay, publish, close, health } = await setUp({ failure: { deadLetter: undefined } });
    target.before = refuses("a1");
    await publish("a1");
    await relay.start();
    await vi.waitFor(() => expect(health()?.state).toBe("failing"), patiently);
    await relay.close();
    target.before = () => {};
    await relay.start();
    expect(health()?.state).toBe("running");
    await relay.idle();
    expect(target.texts).toEqual(["a1"]);
    await close();
  });
});
