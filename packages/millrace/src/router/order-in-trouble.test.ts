import { describe, expect, it } from "vitest";
import { Message } from "../message/index.ts";
import { retry, timeout } from "../middleware/index.ts";
import { HandPublisher, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 2 };
const KEYS = ["a", "b", "c"];
const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index + 1));
const keyed = (count: number): (readonly [string, string])[] => numbered(count).flatMap((n) => KEYS.map((key) => [key, `${key}${n}`] as const));

/** Numbers from 0 to 1 that are the same in every run with the same seed. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const pause = async (turns: number): Promise<void> => {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
};

/** The last time each was seen, key by key, is in order: whoever keeps the newest state of a key ends with the right one. */
function expectLastSeenInOrder(seen: readonly string[], count: number): void {
  for (const key of KEYS) {
    const ofKey = seen.filter((text) => text.startsWith(key));
    const last = numbered(count).map((n) => ofKey.lastIndexOf(`${key}${n}`));
    expect(last).not.toContain(-1);
    expect(last).toEqual([...last].sort((one, other) => one - other));
  }
}

describe("order per key, when handlers and confirmations fail at random", () => {
  for (const [concurrency, pipeline] of [
    [1, 1],
    [1, 8],
    [3, 5],
  ] as const) {
    it(`holds with ${concurrency} at a time and a pipeline of ${pipeline}`, async () => {
      for (let seed = 1; seed <= 12; seed++) {
        const roll = dice(seed);
        const confirmed: string[] = [];
        const publisher = new HandPublisher();
        publisher.onPublish = async (_call, [message]) => {
          const text = message?.text() ?? "";
          if (roll() < 0.1) throw new Error("refused");
          confirmed.push(text); // in the order of sending, as a broker writes its log
          await pause(Math.floor(roll() * 12));
          if (roll() < 0.1) throw new Error("written, but not confirmed");
        };
        await using rig = new Rig({ failure: { ...quick, attempts: 1000 } });
        rig.router.addHandler({
          name: "a",
          subscribe: "t",
          publish: { publisher, topic: "out" },
          concurrency,
          pipeline,
          handle: async (m) => {
            await pause(Math.floor(roll() * 6));
            if (roll() < 0.1) throw new Error("failed");
            return new Message(m.text());
          },
        });
        await rig.router.start();
        await rig.send("t", ...keyed(20));
        await rig.router.idle();
        expectLastSeenInOrder(confirmed, 20);
      }
    });
  }

  for (const [name, middleware] of [
    ["without middleware", []],
    ["with a retry around each message", [retry({ maxRetries: 1, minDelayMs: 1 })]],
  ] as const) {
    it(`holds in batches ${name}`, async () => {
      for (let seed = 1; seed <= 12; seed++) {
        const roll = dice(seed);
        const done: string[] = [];
        const letters = new HandPublisher();
        letters.onPublish = async (_call, [message]) => {
          await pause(Math.floor(roll() * 12));
          if (roll() < 0.5) throw new Error("away");
          done.push(message?.text() ?? "");
        };
        await using rig = new Rig({ failure: { ...quick, attempts: 3, deadLetter: { publisher: letters, topic: "dead" } } });
        rig.router.addBatchHandler({
          name: "a",
          subscribe: "t",
          size: 4,
          maxWaitMs: 1,
          concurrency: 2,
          middleware,
          handle: async (messages, batch) => {
            await pause(Math.floor(roll() * 6));
            const failed = new Set<string | undefined>();
            for (const m of messages) {
              if (roll() < 0.15) {
                batch.fail(m, new Error("failed"));
                failed.add(m.key);
              } else if (!failed.has(m.key)) done.push(m.text());
            }
          },
        });
        await rig.router.start();
        await rig.send("t", ...keyed(20));
        await rig.router.idle();
        // Every effect counts here, not only the last: what follows a failed message of its key has none before that one has.
        for (const key of KEYS) expect(done.filter((text) => text.startsWith(key))).toEqual(numbered(20).map((n) => `${key}${n}`));
      }
    });
  }
});

describe("a timeout around a batch", () => {
  it("fails its message on time, but does not hand it out again beside the batch that still runs", async () => {
    await using rig = new Rig({ failure: quick });
    let running = 0;
    let most = 0;
    let calls = 0;
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 1,
      maxWaitMs: 1,
      concurrency: 2,
      orderBy: "none",
      middleware: [timeout(5)],
      handle: async () => {
        calls++;
        most = Math.max(most, ++running);
        if (calls === 1) await new Promise((resolve) => setTimeout(resolve, 40));
        running--;
      },
    });
    await rig.router.start();
    await rig.send("t", "1");
    await until(() => calls === 2, "a second attempt");
    await rig.router.idle();
    expect([most, calls]).toEqual([1, 2]);
  });
});
