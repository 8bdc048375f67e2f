import { describe, expect, it, vi } from "vitest";
import { PermanentError } from "../errors/index.ts";
import { Message } from "../message/index.ts";
import { HandPublisher, outputOf, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };

describe("a handler that fails", () => {
  it("gets the message again, whichever way it fails, until it succeeds", async () => {
    const ways: readonly ((attempt: number) => void | Promise<void>)[] = [
      () => {
        throw new Error("thrown");
      },
      () => Promise.reject(new Error("rejected")),
      async () => {
        await Promise.resolve();
        throw new DOMException("cancelled", "AbortError");
      },
      () => {
        throw undefined;
      },
    ];
    for (const fail of ways) {
      await using rig = new Rig({ failure: quick });
      const attempts: number[] = [];
      rig.router.addConsumerHandler({
        name: "a",
        subscribe: "t",
        handle: (m) => (attempts.push(m.delivery.attempt) < 4 ? fail(m.delivery.attempt) : undefined),
      });
      await rig.router.start();
      await rig.send("t", "x");
      await rig.router.idle();
      expect(attempts).toEqual([1, 2, 3, 4]);
      expect(rig.logger.saying("will be tried again").map(({ level, fields }) => [level, fields.attempt])).toEqual([
        ["warn", 1],
        ["warn", 2],
        ["warn", 3],
      ]);
      expect(rig.router.health().handlers.a).toMatchObject({ state: "running", attempts: 0 });
    }
  });

  it("gets it again before any later one, at one at a time", async () => {
    await using rig = new Rig({ failure: quick });
    const seen: string[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => {
        seen.push(`${m.text()}${m.delivery.attempt}`);
        if (m.text() === "x" && m.delivery.attempt < 3) throw new Error("no");
      },
    });
    await rig.router.start();
    await rig.send("t", "x", "y");
    await rig.router.idle();
    expect(seen).toEqual(["x1", "x2", "x3", "y1"]);
  });

  it("waits with full jitter up to a ceiling that doubles from minDelayMs to maxDelayMs", async () => {
    const random = vi.spyOn(Math, "random").mockReturnValue(0.999);
    try {
      await using rig = new Rig({ failure: { minDelayMs: 2, maxDelayMs: 10 } });
      rig.router.addConsumerHandler({
        name: "a",
        subscribe: "t",
        handle: (m) => {
          if (m.delivery.attempt < 6) throw new Error("no");
        },
      });
      await rig.router.start();
      await rig.send("t", "x");
      await rig.router.idle();
      expect(rig.logger.saying("will be tried again").map(({ fields }) => fields.delayMs)).toEqual([2, 4, 8, 10, 10]);
    } finally {
      random.mockRestore();
    }
  });

  it("keeps its own verdict: an ack before the throw stands, and so does a nack before the return", async () => {
    await using rig = new Rig({ failure: quick });
    const calls: string[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => {
        calls.push(`${m.text()}${m.delivery.attempt}`);
        if (m.text() === "acks") {
          m.ack();
          throw new Error("too late");
        }
        if (m.delivery.attempt === 1) m.nack();
      },
    });
    await rig.router.start();
    await rig.send("t", "acks", "nacks");
    await rig.router.idle();
    expect(calls).toEqual(["acks1", "nacks1", "nacks2"]);
    expect(rig.logger.saying("after the verdict was given")).toHaveLength(1);
  });

  it("without a dead letter never drops: the longest delay, an error line each time, and health says failing", async () => {
    await using rig = new Rig({ failure: { attempts: 2, minDelayMs: 0, maxDelayMs: 5 } });
    let healed = false;
    const attempts: number[] = [];
    const handler = rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => {
        attempts.push(m.delivery.attempt);
        if (!healed) throw new Error("still broken");
      },
    });
    await rig.router.start();
    await rig.send("t", "x");
    await until(() => attempts.length > 4, "more attempts than the policy has");
    const { a } = rig.router.health().handlers;
    expect(a?.state).toBe("failing");
    expect(a?.attempts).toBeGreaterThanOrEqual(2);
    expect(rig.router.health()).toMatchObject({ live: true, ready: true });
    expect(rig.logger.saying("there is no dead letter")[0]).toMatchObject({ level: "error", fields: { handler: "a", delayMs: 5, attempt: 2 } });
    handler.pause();
    expect(rig.router.health().handlers.a?.state).toBe("paused");
    handler.resume();
    healed = true;
    await rig.router.idle();
    expect(rig.router.health().handlers.a).toMatchObject({ state: "running", attempts: 0 });
  });

  it("follows the handler's policy before the router's, field by field", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: { ...quick, attempts: 5, deadLetter: { publisher: letters, topic: "dead" } } });
    const handle = (): void => {
      throw new Error("no");
    };
    rig.router.addConsumerHandler({ name: "own", subscribe: "t", failure: { attempts: 2 }, handle });
    rig.router.addConsumerHandler({ name: "theirs", subscribe: "t", handle });
    await rig.router.start();
    await rig.send("t", "x");
    await rig.router.idle();
    const spent = letters.calls.map(({ messages: [m] }) => [m?.metadata.get("handler_poisoned"), m?.metadata.get("attempts_poisoned")]);
    expect(spent.sort()).toEqual([
      ["own", "2"],
      ["theirs", "5"],
    ]);
  });
});

describe("the dead letter", () => {
  it("gets the original message with Watermill's metadata when the attempts are spent, then the message is acked", async () => {
    await using rig = new Rig({ failure: quick });
    const dead = await outputOf(rig.bus, "dead");
    let calls = 0;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      failure: { attempts: 3, deadLetter: { publisher: rig.bus, topic: "dead" } },
      handle: (m) => {
        calls++;
        m.metadata.set("touched", "yes");
        throw new Error("broken");
      },
    });
    await rig.router.start();
    await rig.bus.publish("t", new Message("x", { id: "m-1", key: "k", metadata: { tenant: "acme" } }));
    await rig.router.idle();
    await until(() => dead.messages.length === 1, "the dead letter");
    const [letter] = dead.messages;
    expect([calls, letter?.id, letter?.key, letter?.text()]).toEqual([3, "m-1", "k", "x"]);
    expect(Object.fromEntries(letter?.metadata ?? [])).toMatchObject({
      tenant: "acme",
      reason_poisoned: "broken",
      topic_poisoned: "t",
      handler_poisoned: "a",
      subscriber_poisoned: "MemoryPubSub",
      attempts_poisoned: "3",
    });
    expect(rig.logger.saying("is in the dead letter")[0]).toMatchObject({ level: "error", fields: { deadLetter: "dead", attempt: 3 } });
  });

  it("gets a message at once at a PermanentError, also as the cause of another error, sync or async", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: { deadLetter: { publisher: letters, topic: "dead" } } });
    let calls = 0;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => {
        calls++;
        const error = new PermanentError("never");
        if (m.text() === "sync") throw error;
        return Promise.reject(new Error("wrapped", { cause: error }));
      },
    });
    await rig.router.start();
    await rig.send("t", "sync", "async");
    await rig.router.idle();
    expect([calls, letters.texts]).toEqual([2, ["sync", "async"]]);
  });

  it("that cannot be published keeps the message, and it is tried again at the longest delay, which health shows", async () => {
    const letters = new HandPublisher();
    letters.onPublish = (call) => {
      if (call < 3) throw new Error("dead letter topic away");
    };
    await using rig = new Rig({ failure: { minDelayMs: 0, maxDelayMs: 30, attempts: 1, deadLetter: { publisher: letters, topic: "dead" } } });
    const attempts: number[] = [];
    const health: unknown[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => {
        attempts.push(m.delivery.attempt);
        health.push(rig.router.health().handlers.a);
        throw new Error("broken");
      },
    });
    await rig.router.start();
    await rig.send("t", "x");
    const began = performance.now();
    await rig.router.idle();
    expect(performance.now() - began).toBeGreaterThan(58);
    expect(health[2]).toMatchObject({ state: "failing", attempts: 2, lastError: { message: "dead letter topic away" } });
    expect(attempts).toEqual([1, 2, 3]);
    expect(rig.logger.saying("the dead letter could not be published")).toHaveLength(2);
    expect(letters.calls.at(-1)?.messages[0]?.metadata.get("attempts_poisoned")).toBe("3");
  });

  it("is acked only when it is confirmed: meanwhile the next one waits", async () => {
    const letters = new HandPublisher();
    let confirm!: () => void;
    letters.onPublish = () =>
      new Promise((resolve) => {
        confirm = resolve;
      });
    await using rig = new Rig({ failure: { attempts: 1, deadLetter: { publisher: letters, topic: "dead" } } });
    const seen: string[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => {
        seen.push(m.text());
        if (m.text() === "x") throw new Error("broken");
      },
    });
    await rig.router.start();
    await rig.send("t", "x", "y");
    await until(() => letters.calls.length === 1, "the dead letter");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([seen, rig.router.health().handlers.a?.inFlight]).toEqual([["x"], 1]);
    confirm();
    await rig.router.idle();
    expect(seen).toEqual(["x", "y"]);
  });

  it("never gets, and no log line holds, more of a reason or a payload than is bounded", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: { attempts: 1, deadLetter: { publisher: letters, topic: "dead" } } });
    const secret = "s3cret".repeat(50);
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => {
        if (m.text() === "long") throw new Error("x".repeat(100_000));
        m.json();
      },
    });
    await rig.router.start();
    await rig.send("t", secret, "long");
    await rig.router.idle();
    for (const { fields, text } of rig.logger.lines) {
      const shown = text + JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? value.message : value));
      expect(shown).not.toContain(secret.slice(0, 65));
    }
    expect(letters.calls[1]?.messages[0]?.metadata.get("reason_poisoned")?.length).toBeLessThan(5000);
  });
});
