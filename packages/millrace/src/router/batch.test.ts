import { describe, expect, it, vi } from "vitest";
import type { ReceivedMessage } from "../message/index.ts";
import { poisonQueue, retry } from "../middleware/index.ts";
import { HandPublisher, HandSubscriber, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };
const texts = (messages: readonly ReceivedMessage[]): string[] => messages.map((m) => m.text());

describe("a batch handler", () => {
  it("gets at most size messages at a time, in order, and all are acked when it returns", async () => {
    await using rig = new Rig();
    const batches: string[][] = [];
    rig.router.addBatchHandler({ name: "a", subscribe: "t", size: 3, maxWaitMs: 20, handle: (messages) => void batches.push(texts(messages)) });
    await rig.router.start();
    await rig.send("t", "1", "2", "3", "4", "5", "6", "7");
    await rig.router.idle();
    expect(batches).toEqual([["1", "2", "3"], ["4", "5", "6"], ["7"]]);
    expect(rig.router.health().handlers.a).toMatchObject({ inFlight: 0, held: 0 });
  });

  it("runs with fewer when maxWaitMs is over, counted from the first of them", async () => {
    await using rig = new Rig();
    const began = performance.now();
    const batches: [string[], number][] = [];
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 10,
      maxWaitMs: 30,
      handle: async (messages) => void batches.push([texts(messages), performance.now() - began]),
    });
    await rig.router.start();
    await rig.send("t", "1", "2");
    await rig.router.idle();
    expect(batches.map(([batch]) => batch)).toEqual([["1", "2"]]);
    expect(batches[0]?.[1]).toBeGreaterThanOrEqual(28);
  });

  it("has size × concurrency in flight, several of one key too, and never two batches with one key", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const running = new Set<string>();
    const done: string[] = [];
    let most = 0;
    let batches = 0;
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 3,
      maxWaitMs: 5,
      concurrency: 3,
      handle: async (messages) => {
        const keys = new Set(messages.map((m) => m.key as string));
        for (const key of keys) expect(running.has(key)).toBe(false);
        for (const key of keys) running.add(key);
        most = Math.max(most, ++batches);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
        batches--;
        for (const key of keys) running.delete(key);
        done.push(...messages.map((m) => m.id));
      },
    });
    await rig.router.start();
    expect(subscriber.options).toMatchObject([{ maxInFlight: 9 }]);
    // First ones that run alone, a long row of one key behind them, then a mixture.
    const keys = ["x", "y", "z", ...Array<string>(12).fill("k"), ...Array.from({ length: 45 }, (_, index) => "abcdk"[index % 5] as string)];
    subscriber.source.session.deliver(...keys.map((key, index) => ({ id: `${key}${index}`, key })));
    await until(() => done.length === keys.length, "all of them");
    for (const key of new Set(keys)) {
      const order = done.filter((id) => id.startsWith(key)).map((id) => Number(id.slice(1)));
      expect(order).toEqual([...order].sort((one, other) => one - other));
    }
    expect(most).toBeGreaterThan(1);
  });

  it("acks all but the failed one, and its later ones of the key go back with it, uncounted", async () => {
    await using rig = new Rig({ failure: quick });
    const seen: [string, number][][] = [];
    const error = new Error("not this one");
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 5,
      maxWaitMs: 10,
      handle: (messages, batch) => {
        seen.push(messages.map((m) => [m.text(), m.delivery.attempt]));
        for (const m of messages) if (m.text() === "a2" && m.delivery.attempt === 1) batch.fail(m, error);
      },
    });
    await rig.router.start();
    await rig.send("t", ["a", "a1"], ["b", "b1"], ["a", "a2"], ["a", "a3"], ["b", "b2"]);
    await rig.router.idle();
    expect(seen[0]?.map(([text]) => text)).toEqual(["a1", "b1", "a2", "a3", "b2"]);
    expect(seen.slice(1).flat()).toEqual([
      ["a2", 2],
      ["a3", 1],
    ]);
    expect(rig.logger.saying("will be tried again").map(({ fields }) => fields.error)).toEqual([error]);
  });

  it("fails all by throwing, sync or async: the first of each key is counted, the order holds", async () => {
    for (const handle of [() => Promise.reject(new Error("all")), () => expect.unreachable("all")]) {
      await using rig = new Rig({ failure: quick });
      const seen: string[][] = [];
      rig.router.addBatchHandler({
        name: "a",
        subscribe: "t",
        size: 4,
        maxWaitMs: 10,
        handle: (messages) => {
          seen.push(messages.map((m) => `${m.text()}-${m.delivery.attempt}`));
          return seen.length === 1 ? handle() : undefined;
        },
      });
      await rig.router.start();
      await rig.send("t", ["a", "a1"], ["a", "a2"], ["b", "b1"], ["b", "b2"]);
      await rig.router.idle();
      const again = seen.slice(1).flat();
      expect(again.filter((text) => text.startsWith("a"))).toEqual(["a1-2", "a2-1"]);
      expect(again.filter((text) => text.startsWith("b"))).toEqual(["b1-2", "b2-1"]);
    }
  });

  it("sees no later message of a key before the failed one, also those already on their way to the next batch", async () => {
    await using rig = new Rig({ failure: quick });
    const handled: string[] = [];
    let failures = 1;
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 2,
      maxWaitMs: 1,
      concurrency: 3,
      handle: async (messages, batch) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        for (const m of messages) {
          if (m.text() === "k1" && failures-- > 0) batch.fail(m, new Error("not yet"));
          else handled.push(m.text());
        }
      },
    });
    await rig.router.start();
    const keyed = Array.from({ length: 9 }, (_, index) => ["k", `k${index + 1}`] as const);
    await rig.send("t", ...keyed);
    await rig.router.idle();
    const accepted = handled.filter((text, index) => handled.lastIndexOf(text) === index);
    expect(accepted).toEqual(keyed.map(([, text]) => text));
  });

  it("refuses to fail a message that is not of the batch, code NOT_IN_BATCH", async () => {
    await using rig = new Rig({ failure: quick });
    let stolen: ReceivedMessage | undefined;
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 1,
      maxWaitMs: 1,
      handle: ([m], batch) => {
        stolen ??= m;
        if (m !== stolen) expect(() => batch.fail(stolen as ReceivedMessage, new Error("x"))).toThrow(expect.objectContaining({ code: "NOT_IN_BATCH" }));
      },
    });
    await rig.router.start();
    await rig.send("t", "1", "2");
    await rig.router.idle();
    expect(rig.logger.at("warn")).toEqual([]);
  });

  it("sends what is spent to the dead letter, message by message", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: { ...quick, attempts: 2, deadLetter: { publisher: letters, topic: "dead" } } });
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 3,
      maxWaitMs: 1,
      handle: (messages, batch) => {
        for (const m of messages) if (m.text() === "bad") batch.fail(m, new Error("bad"));
      },
    });
    await rig.router.start();
    await rig.send("t", ["a", "1"], ["b", "bad"], ["b", "3"]);
    await rig.router.idle();
    expect([letters.texts, letters.calls[0]?.messages[0]?.metadata.get("attempts_poisoned")]).toEqual([["bad"], "2"]);
  });
});

describe("middleware around a batch handler", () => {
  it("works per message: retry enrols the failed one again, the others are done", async () => {
    await using rig = new Rig({ failure: quick });
    const seen: string[] = [];
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 2,
      maxWaitMs: 2,
      middleware: [retry({ maxRetries: 3, minDelayMs: 1 })],
      handle: (messages, batch) => {
        seen.push(texts(messages).join());
        for (const m of messages) if (m.text() === "x" && seen.length < 3) batch.fail(m, new Error("not yet"));
      },
    });
    await rig.router.start();
    await rig.send("t", ["a", "x"], ["b", "y"]);
    await rig.router.idle();
    expect(seen).toEqual(["x,y", "x", "x"]);
    expect(rig.logger.saying("will be tried again")).toEqual([]);
  });

  it("poisons the failed one only: what goes back with it is no failure", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: quick });
    const seen: string[] = [];
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 3,
      maxWaitMs: 2,
      middleware: [poisonQueue({ publisher: letters, topic: "dead" })],
      handle: (messages, batch) => {
        seen.push(texts(messages).join());
        for (const m of messages) if (m.text() === "x") batch.fail(m, new Error("bad"));
      },
    });
    await rig.router.start();
    await rig.send("t", ["a", "x"], ["a", "y"], ["b", "z"]);
    await rig.router.idle();
    expect([letters.texts, seen]).toEqual([["x"], ["x,y,z", "y"]]);
  });

  it("sees one call for each message, with the message it belongs to", async () => {
    await using rig = new Rig();
    const wrapped: string[] = [];
    const handle = vi.fn((_messages: readonly ReceivedMessage[]) => {});
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 2,
      maxWaitMs: 2,
      middleware: [
        (next) => (m) => {
          wrapped.push(m.text());
          return next(m.derive({ metadata: { wrapped: "yes" } }));
        },
      ],
      handle,
    });
    await rig.router.start();
    await rig.send("t", "1", "2");
    await rig.router.idle();
    expect(wrapped).toEqual(["1", "2"]);
    expect(handle.mock.calls[0]?.[0].map((m) => m.metadata.get("wrapped"))).toEqual(["yes", "yes"]);
  });
});

describe("closing with a batch that is not full", () => {
  it("runs it at once, and those behind it, however long maxWaitMs is", async () => {
    await using rig = new Rig();
    const batches: string[] = [];
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 2,
      maxWaitMs: 60_000,
      concurrency: 2,
      handle: async (messages) => {
        batches.push(texts(messages).join());
        await new Promise((resolve) => setTimeout(resolve, 5));
      },
    });
    await rig.router.start();
    await rig.send("t", ["k", "1"], ["k", "2"], ["k", "3"]);
    await until(() => batches.length === 1, "the first batch");
    await until(() => rig.router.health().handlers.a?.inFlight === 3, "the third message in hand");
    const began = performance.now();
    await rig.router.close();
    expect(batches).toEqual(["1,2", "3"]);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
