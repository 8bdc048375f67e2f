import { describe, expect, it } from "vitest";
import { PermanentError } from "../errors/index.ts";
import { sleep } from "../internal/timers.ts";
import type { Middleware, ReceivedMessage } from "../message/index.ts";
import { ignoreErrors, poisonQueue, retry, timeout } from "../middleware/index.ts";
import { type BatchHandlerOptions, type FailurePolicy, type HandlerHandle, Router } from "./index.ts";
import { HandPublisher, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };
const texts = (messages: readonly ReceivedMessage[]): string => messages.map((m) => m.text()).join("+");
const throwsFor = (culprit: string, error: unknown) => (messages: readonly ReceivedMessage[]) => {
  if (messages.some((m) => m.text() === culprit)) throw error;
};

interface Case {
  readonly failure?: FailurePolicy;
  readonly middleware?: readonly Middleware[];
  readonly size?: number;
  readonly concurrency?: number;
  readonly handle: BatchHandlerOptions["handle"];
}

/** A batch handler; what it was called with, what it did to the end, and what became a dead letter. */
class Batches implements AsyncDisposable {
  readonly letters: HandPublisher = new HandPublisher();
  readonly rig: Rig;
  readonly calls: string[] = [];
  readonly done: string[] = [];
  readonly handler: HandlerHandle;

  constructor({ failure, middleware = [], size = 4, concurrency = 1, handle }: Case) {
    this.rig = new Rig({ failure: { ...quick, deadLetter: { publisher: this.letters, topic: "dead" }, ...failure } });
    this.handler = this.rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size,
      maxWaitMs: 5,
      concurrency,
      middleware,
      handle: async (messages, batch) => {
        this.calls.push(texts(messages));
        await handle(messages, batch);
        this.done.push(...messages.map((m) => m.text()));
      },
    });
  }

  async settle(...payloads: Parameters<Rig["send"]> extends [string, ...infer Payloads] ? Payloads : never): Promise<void> {
    await this.rig.router.start();
    await this.rig.send("t", ...payloads);
    await this.rig.router.idle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.rig[Symbol.asyncDispose]();
  }
}

describe("a batch that throws because of one of its messages", () => {
  for (const keyed of [true, false]) {
    for (const [name, error, attempts] of [
      ["an error", new Error("bad"), 3],
      ["an error at the only attempt", new Error("bad"), 1],
      ["a permanent error", new PermanentError("bad"), 3],
    ] as const) {
      it(`has that one alone in the dead letter: ${name}, ${keyed ? "all of one key" : "without keys"}`, async () => {
        await using run = new Batches({ failure: { attempts }, handle: throwsFor("2", error) });
        await run.settle(...["1", "2", "3", "4"].map((text) => (keyed ? (["k", text] as const) : text)));
        expect(run.letters.texts).toEqual(["2"]);
        expect(run.calls[0]).toBe("1+2+3+4");
        expect(run.calls.slice(1)).toContain("2");
        expect(keyed ? run.done : [...run.done].sort()).toEqual(["1", "3", "4"]);
        expect(run.rig.router.health().handlers.a).toMatchObject({ state: "running", attempts: 0, counts: { handled: 3, deadLettered: 1 } });
      });
    }
  }

  it("drags nobody along when it is tried again, and those that it failed come alone each", async () => {
    await using run = new Batches({ failure: { attempts: 4, minDelayMs: 5, maxDelayMs: 10 }, handle: throwsFor("2", new Error("bad")) });
    await run.rig.router.start();
    await run.rig.send("t", "1", "2", "3", "4");
    await until(() => run.calls.includes("2"), "the culprit came alone");
    await run.rig.send("t", "5", "6", "7", "8");
    await run.rig.router.idle();
    expect(run.calls.filter((call) => call.includes("2"))).toEqual(["1+2+3+4", "2", "2", "2"]);
    for (const text of ["1", "3", "4"]) expect(run.calls).toContain(text);
    expect(run.letters.texts).toEqual(["2"]);
  });

  it("is found at concurrency 2 as well, and each of the others is done once", async () => {
    await using run = new Batches({ failure: { attempts: 1 }, concurrency: 2, handle: throwsFor("b2", new Error("bad")) });
    await run.settle(...["a1", "b1", "a2", "b2", "a3", "b3", "a4", "b4"].map((text) => [text.charAt(0), text] as const));
    expect(run.letters.texts).toEqual(["b2"]);
    expect(run.done.filter((text) => text.startsWith("a"))).toEqual(["a1", "a2", "a3", "a4"]);
    expect(run.done.filter((text) => text.startsWith("b"))).toEqual(["b1", "b3", "b4"]);
  });

  it("is kept without a dead letter, and the others are done", async () => {
    await using run = new Batches({ failure: { attempts: 1, deadLetter: undefined }, handle: throwsFor("2", new Error("bad")) });
    await run.rig.router.start();
    await run.rig.send("t", "1", "2", "3", "4");
    await until(() => run.calls.filter((call) => call === "2").length > 3, "the culprit was tried again and again");
    expect([...run.done].sort()).toEqual(["1", "3", "4"]);
    expect(run.calls.filter((call) => call.includes("+"))).toEqual(["1+2+3+4"]);
    expect(run.rig.router.health().handlers.a?.state).toBe("failing");
  });

  it("is found alone by a handler that was paused meanwhile", async () => {
    await using run = new Batches({ failure: { attempts: 2, minDelayMs: 20, maxDelayMs: 40 }, handle: throwsFor("2", new Error("bad")) });
    await run.rig.router.start();
    await run.rig.send("t", "1", "2", "3", "4");
    await until(() => run.rig.router.health().handlers.a?.counts.failed === 4, "the batch failed");
    run.handler.pause();
    run.handler.resume();
    await run.rig.router.idle();
    expect(run.calls.filter((call) => call.includes("+"))).toEqual(["1+2+3+4"]);
    expect(run.letters.texts).toEqual(["2"]);
    expect([...run.done].sort()).toEqual(["1", "3", "4"]);
  });

  it("is the only one given up by a member that takes over, and knows nothing of the failed batch", async () => {
    const error = new Error("bad");
    await using run = new Batches({ failure: { attempts: 2, minDelayMs: 40, maxDelayMs: 80 }, handle: throwsFor("2", error) });
    const calls: string[] = [];
    const failure = { ...quick, attempts: 2, deadLetter: { publisher: run.letters, topic: "dead" } };
    await using other = new Router({ subscriber: run.rig.bus, logger: run.rig.logger, failure });
    const handler = other.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 4,
      maxWaitMs: 100,
      handle: (messages) => {
        calls.push(messages.map((m) => `${m.text()}/${m.delivery.attempt}`).join("+"));
        throwsFor("2", error)(messages);
      },
    });
    await other.start();
    handler.pause();
    await run.rig.router.start();
    await run.rig.send("t", "1", "2", "3", "4");
    await until(() => run.rig.router.health().handlers.a?.counts.failed === 4, "the batch failed");
    await run.rig.router.close();
    handler.resume();
    await other.idle();
    expect(calls[0]?.split("+").sort()).toEqual(["1/2", "2/2", "3/2", "4/2"]);
    expect(calls.slice(1).sort()).toEqual(["1/3", "2/3", "3/3", "4/3"]);
    expect(run.letters.texts).toEqual(["2"]);
  });

  for (const tries of [0, 2]) {
    it(`has that one alone in a poison queue${tries === 0 ? "" : " around a retry, which finds it without a redelivery"}`, async () => {
      const poison = new HandPublisher();
      const attempts: number[] = [];
      const inner = tries === 0 ? [] : [retry({ maxRetries: tries, minDelayMs: 1, maxDelayMs: 1 })];
      await using run = new Batches({
        middleware: [poisonQueue({ publisher: poison, topic: "poison" }), ...inner],
        handle: (messages) => {
          attempts.push(...messages.map((m) => m.delivery.attempt));
          throwsFor("2", new Error("bad"))(messages);
        },
      });
      await run.settle("1", "2", "3");
      expect(poison.texts).toEqual(["2"]);
      expect(run.letters.texts).toEqual([]);
      expect([...run.done].sort()).toEqual(["1", "3"]);
      expect(Math.max(...attempts)).toBe(tries === 0 ? 2 : 1);
      expect(run.calls.filter((call) => call.includes("2"))).toEqual(["1+2+3", ...Array.from({ length: Math.max(1, tries) }, () => "2")]);
    });
  }

  it("is the only one that ignoreErrors takes for done", async () => {
    await using run = new Batches({ middleware: [ignoreErrors("BAD")], handle: throwsFor("2", Object.assign(new Error("bad"), { code: "BAD" })) });
    await run.settle("1", "2", "3", "4");
    expect([...run.done].sort()).toEqual(["1", "3", "4"]);
    expect(run.calls.filter((call) => call.includes("2"))).toEqual(["1+2+3+4", "2"]);
    expect(run.letters.texts).toEqual([]);
  });
});

describe("a batch that hangs because of one of its messages", () => {
  for (const ends of [true, false]) {
    it(`has that one alone in the dead letter when ${ends ? "the call ends after its timeout" : "the call fails at its timeout"}`, async () => {
      await using run = new Batches({
        failure: { attempts: 1 },
        middleware: [timeout(20)],
        handle: async (messages) => {
          if (!messages.some((m) => m.text() === "2")) return;
          await Promise.all(messages.map(({ signal }) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()))));
          await sleep(10);
          if (!ends) throw new Error("aborted");
        },
      });
      await run.settle("1", "2", "3", "4");
      expect(run.letters.texts).toEqual(["2"]);
      expect(run.calls.slice(1).sort()).toEqual(["1", "2", "3", "4"]);
    });
  }
});

describe("a message of a batch fails for good at once", () => {
  it("when it is named before the batch throws; the others come alone", async () => {
    await using run = new Batches({
      failure: { attempts: 1 },
      handle: (messages, batch) => {
        if (messages.length === 1) return;
        batch.fail(messages[0] as ReceivedMessage, new Error("this one"));
        throw new Error("and something else");
      },
    });
    await run.settle("1", "2", "3");
    expect(run.letters.texts).toEqual(["1"]);
    expect(run.calls[0]).toBe("1+2+3");
    expect(run.calls.slice(1).sort()).toEqual(["2", "3"]);
  });

  it("when it is named and the batch returns, and comes again in a batch while it has attempts", async () => {
    await using run = new Batches({
      failure: { attempts: 2, maxDelayMs: 0 },
      handle: (messages, batch) => {
        for (const message of messages) if (message.text() !== "3") batch.fail(message, new Error("no"));
      },
      size: 3,
    });
    await run.settle("1", "2", "3");
    expect(run.calls).toEqual(["1+2+3", "1+2"]);
    expect(run.letters.texts).toEqual(["1", "2"]);
  });

  it("when a middleware fails it after its batch has succeeded", async () => {
    const refuses: Middleware = (next) => async (message) => {
      await next(message);
      if (message.text() === "2") throw new PermanentError("refused");
    };
    await using run = new Batches({ middleware: [refuses], handle: () => {} });
    await run.settle("1", "2", "3", "4");
    expect(run.calls).toEqual(["1+2+3+4"]);
    expect(run.letters.texts).toEqual(["2"]);
  });
});
