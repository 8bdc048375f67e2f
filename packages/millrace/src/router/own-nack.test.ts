import { describe, expect, it, vi } from "vitest";
import { PermanentError } from "../errors/index.ts";
import type { ReceivedMessage } from "../message/index.ts";
import { HandPublisher, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("a nack that a handler gives itself", () => {
  it("takes the backoff of the failure policy when it names no delay", async () => {
    const random = vi.spyOn(Math, "random").mockReturnValue(0.999);
    try {
      await using rig = new Rig({ failure: { minDelayMs: 20, maxDelayMs: 50 } });
      const at: number[] = [];
      const handle = (m: ReceivedMessage): void => {
        if (at.push(performance.now()) < 5) m.nack();
      };
      rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle });
      await rig.router.start();
      await rig.send("t", "x");
      await rig.router.idle();
      const waits = at.slice(1).map((time, index) => time - (at[index] as number));
      for (const [index, least] of [19, 38, 48, 48].entries()) expect(waits[index]).toBeGreaterThanOrEqual(least);
      expect(rig.logger.saying("handler nacked the message, it will be tried again").map(({ fields }) => fields.delayMs)).toEqual([20, 40, 50, 50]);
    } finally {
      random.mockRestore();
    }
  });

  it("is no hot loop, counted or not, and shows in health from the first one on", async () => {
    for (const options of [undefined, { uncounted: true }, { delayMs: 0 }]) {
      await using rig = new Rig({ failure: { attempts: 3, minDelayMs: 200, maxDelayMs: 400 } });
      let calls = 0;
      rig.router.addConsumerHandler({
        name: "a",
        subscribe: "t",
        handle: (m) => {
          calls++;
          m.nack(options);
        },
      });
      await rig.router.start();
      await rig.send("t", "x");
      await wait(100);
      expect(calls).toBeLessThan(40);
      if (options?.uncounted === true) expect(rig.router.health().handlers.a).toMatchObject({ counts: { failed: 0, retried: 0 }, lastError: undefined });
      else expect(rig.router.health().handlers.a).toMatchObject({ lastError: { code: "NACKED" } });
    }
  });

  it("comes again at once with a delayMs of 0, until the attempts are spent", async () => {
    await using rig = new Rig({ failure: { attempts: 4, minDelayMs: 5_000, maxDelayMs: 5_000 } });
    const attempts: number[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => {
        attempts.push(m.delivery.attempt);
        m.nack({ delayMs: 0 });
      },
    });
    await rig.router.start();
    await rig.send("t", "x");
    await until(() => attempts.length === 4, "four at once");
    await wait(30);
    expect(attempts).toEqual([1, 2, 3, 4]);
    expect(rig.router.health().handlers.a).toMatchObject({ state: "failing", attempts: 4, counts: { failed: 4, retried: 4 } });
    expect(rig.logger.saying("there is no dead letter")).toMatchObject([{ level: "error", fields: { attempt: 4, delayMs: 5000 } }]);
  });

  it("fails the attempt: when all are spent the message is dead-lettered with the reason, before any later one of its lane", async () => {
    for (const concurrency of [1, 3]) {
      const letters = new HandPublisher();
      await using rig = new Rig({ failure: { ...quick, attempts: 3, deadLetter: { publisher: letters, topic: "dead" } } });
      const seen: string[] = [];
      const verdicts: unknown[] = [];
      letters.onPublish = async () => {
        await wait(5);
        seen.push("dead");
      };
      rig.router.addConsumerHandler({
        name: "a",
        subscribe: "t",
        concurrency,
        handle: async (m) => {
          seen.push(`${m.text()}${m.delivery.attempt}`);
          if (m.text() !== "x") return;
          const { settled } = m;
          verdicts.push(m.nack({ reason: "not today" }), m.nack(), m.ack(), await settled, await m.settled);
        },
      });
      await rig.router.start();
      await rig.send("t", ["k", "x"], ["k", "y"]);
      await rig.router.idle();
      expect(seen).toEqual(["x1", "x2", "x3", "dead", "y1"]);
      expect(verdicts).toEqual(Array(3).fill([true, true, false, "nacked", "nacked"]).flat());
      expect(letters.calls[0]?.messages[0]?.metadata.get("reason_poisoned")).toBe("the handler nacked the message: not today");
      expect(rig.router.health().handlers.a).toMatchObject({ state: "running", attempts: 0, counts: { handled: 1, failed: 3, retried: 2, deadLettered: 1 } });
      expect(rig.router.health().handlers.a?.lastError?.message).toContain("not today");
    }
  });

  it("is kept and tried on when the dead letter cannot be published", async () => {
    const letters = new HandPublisher();
    letters.onPublish = (call) => {
      if (call === 1) throw new Error("no room for the dead");
    };
    await using rig = new Rig({ failure: { ...quick, attempts: 1, deadLetter: { publisher: letters, topic: "dead" } } });
    const attempts: number[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => {
        attempts.push(m.delivery.attempt);
        m.nack();
      },
    });
    await rig.router.start();
    await rig.send("t", "x");
    await rig.router.idle();
    expect(attempts).toEqual([1, 2]);
    expect(letters.calls).toHaveLength(2);
  });

  it("spends no attempt when it is uncounted, and never leads to the dead letter", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: { ...quick, attempts: 2, deadLetter: { publisher: letters, topic: "dead" } } });
    const attempts: number[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => {
        if (attempts.push(m.delivery.attempt) < 6) m.nack({ uncounted: true });
      },
    });
    const outcomes: string[] = [];
    rig.router.observe({ handled: ({ outcome }) => void outcomes.push(outcome) });
    await rig.router.start();
    await rig.send("t", "x");
    await rig.router.idle();
    expect(attempts).toEqual([1, 1, 1, 1, 1, 1]);
    expect(outcomes).toEqual([...Array<string>(5).fill("returned"), "acked"]);
    expect(letters.calls).toEqual([]);
    expect(rig.router.health().handlers.a?.counts).toMatchObject({ handled: 1, failed: 0, retried: 0, deadLettered: 0 });
  });

  it("counts once when the handler throws as well, and a permanent error after it at the last attempt is the reason", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: { ...quick, attempts: 2, deadLetter: { publisher: letters, topic: "dead" } } });
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => {
        m.nack();
        throw new PermanentError("broken");
      },
    });
    await rig.router.start();
    await rig.send("t", "x");
    await rig.router.idle();
    expect(rig.router.health().handlers.a?.counts).toMatchObject({ failed: 2, deadLettered: 1 });
    expect(letters.calls[0]?.messages[0]?.metadata.get("reason_poisoned")).toBe("broken");
  });

  it("of one message of a batch leaves the others alone, and is dead-lettered too", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: { ...quick, attempts: 2, deadLetter: { publisher: letters, topic: "dead" } } });
    const batches: string[][] = [];
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 3,
      maxWaitMs: 5,
      handle: (messages) => {
        batches.push(messages.map((m) => `${m.text()}${m.delivery.attempt}`));
        for (const m of messages) if (m.text() === "x") m.nack();
      },
    });
    await rig.router.start();
    await rig.send("t", "w", "x", "y");
    await rig.router.idle();
    expect(batches).toEqual([["w1", "x1", "y1"], ["x2"]]);
    expect(letters.texts).toEqual(["x"]);
  });

  it("has options that are refused with the nearest known name, or for their type, and nothing is settled", async () => {
    await using rig = new Rig({ failure: quick });
    const problems: unknown[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => {
        for (const options of [{ delay: 5 }, { delayMs: "5" }, { delayMs: -1, reason: 7 }, { delayMs: Number.NaN }, { uncounted: 1 }, 500, null]) {
          try {
            m.nack(options as never);
          } catch (error) {
            problems.push((error as { problems: unknown }).problems);
          }
        }
      },
    });
    await rig.router.start();
    await rig.send("t", "x");
    await rig.router.idle();
    expect(problems).toEqual([
      ["unknown option delay, did you mean delayMs?"],
      ['delayMs must be a duration in milliseconds of at least 0, got "5"'],
      ["delayMs must be a duration in milliseconds of at least 0, got -1", "reason must be a text, got 7"],
      ["delayMs must be a duration in milliseconds of at least 0, got NaN"],
      ["uncounted must be true or false, got 1"],
      ["options must be an object, got 500"],
      ["options must be an object, got null"],
    ]);
    expect(rig.router.health().handlers.a?.counts).toMatchObject({ handled: 1, failed: 0 });
  });
});
