import { describe, expect, it } from "vitest";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "../message/index.ts";
import { HandPublisher, HandSubscriber, outputOf, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };
const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const _keyed = (...texts: string[]): (readonly [string, string])[] => texts.map((text) => ["k", text] as const);

/** The first time that something is asked for, it is refused. */
function _once(): (text: string) => boolean {
  const known = new Set<string>();
  return (text) => known.size < known.add(text).size;
}

describe("a message that waits for its next attempt keeps the moment at which it is due", () => {
  for (const way of ["pause and resume", "close and start"] as const) {
    for (const kind of ["ordered", "unordered"] as const) {
      it(`through ${way} (${kind})`, async () => {
        const bus = new MemoryPubSub({ persistent: true });
        await using rig = new Rig({ subscriber: bus, failure: { minDelayMs: 250, maxDelayMs: 250 } });
        const at: number[] = [];
        const handle = rig.router.addConsumerHandler({
          name: "a",
          subscribe: "t",
          concurrency: kind === "ordered" ? 1 : 2,
          orderBy: kind === "ordered" ? undefined : "none",
          middleware: [
            (next) => async (message) => {
              try {
                return await next(message);
              } catch (error) {
                throw Object.assign(error as Error, { retryAfterMs: 250 });
              }
            },
          ],
          handle: () => {
            at.push(performance.now());
            if (at.length === 1) throw new Error("not yet");
          },
        });
        await rig.router.start();
        await bus.publish("t", new Message("1"));
        await until(() => at.length === 1, "the first attempt");
        await turn(10);
        if (way === "close and start") {
          await rig.router.close();
          await rig.router.start();
        } else {
          handle.pause();
          await turn(10);
          handle.resume();
        }
        await until(() => at.length === 2, "the second attempt");
        expect((at[1] as number) - (at[0] as number)).toBeGreaterThan(245);
        await rig.router.close();
        await bus.close();
      });
    }
  }

  it("in the handler's next run, although the broker hands it out at once", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const at: number[] = [];
    const outcomes: string[] = [];
    rig.router.observe({ handled: ({ outcome }) => void outcomes.push(outcome) });
    const handle = (): void => {
      at.push(performance.now());
      if (at.length === 1) throw Object.assign(new Error("not yet"), { retryAfterMs: 100 });
    };
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle });
    for (const calls of [1, 2]) {
      await rig.router.start();
      subscriber.source.session.deliver("m");
      await until(() => at.length === calls, `call ${calls}`);
      await rig.router.close();
    }
    expect((at[1] as number) - (at[0] as number)).toBeGreaterThan(95);
    expect(outcomes).toEqual(["retried", "returned", "acked"]); // it waits in the subscription
  });
});

describe("an error with retryAfterMs", () => {
  it("asks for no attempt before that, where the backoff would be shorter", async () => {
    await using rig = new Rig({ failure: quick });
    const at: number[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: () => {
        at.push(performance.now());
        if (at.length === 1) throw Object.assign(new Error("slow down"), { retryAfterMs: 500 });
      },
    });
    await rig.router.start();
    await rig.send("t", "1");
    await rig.router.idle();
    expect(at).toHaveLength(2);
    expect((at[1] as number) - (at[0] as number)).toBeGreaterThan(495);
  });
});

describe("several topics of one handler", () => {
  it("share its group and its slots, each in its own order", async () => {
    await using rig = new Rig({ failure: quick, service: "billing" });
    const output = await outputOf(rig.bus, "none");
    let running = 0;
    let most = 0;
    const handled: string[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: ["t", "u"],
      concurrency: 2,
      handle: async (message) => {
        most = Math.max(most, ++running);
        await turn(1);
        handled.push(`${message.delivery.group} ${message.delivery.topic} ${message.text()}`);
        running--;
      },
    });
    await rig.router.start();
    for (const n of ["1", "2", "3"]) for (const topic of ["t", "u"]) await rig.send(topic, ["k", n]);
    await rig.router.idle();
    expect([most, handled.length]).toEqual([2, 6]);
    for (const topic of ["t", "u"])
      expect(handled.filter((line) => line.includes(` ${topic} `))).toEqual(["1", "2", "3"].map((n) => `billing.a ${topic} ${n}`));
    expect(output.texts).toEqual([]);
  });

  it("have one call at a time between them, where their handler has one slot", async () => {
    await using rig = new Rig();
    let running = 0;
    let most = 0;
    const handle = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await turn(1);
      running--;
    };
    rig.router.addConsumerHandler({ name: "a", subscribe: ["t", "u"], handle });
    await rig.router.start();
    for (const topic of ["t", "u"]) await rig.send(topic, "1", "2");
    await rig.router.idle();
    expect(most).toBe(1);
  });

  it("to publish to: each result goes to the topic it names, and one that names none fails for good, by its handler's name", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: { ...quick, deadLetter: { publisher: letters, topic: "dead" } } });
    const publisher = new HandPublisher();
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: ["x", "y"] },
      handle: (message) => {
        const topic = message.text();
        if (topic === "both") return [new Message("1", { topic: "x" }), new Message("2", { topic: "y" }), new Message("3", { topic: "x" })];
        return new Message("4", topic === "none" ? {} : { topic });
      },
    });
    await rig.router.start();
    await rig.send("t", "both", "none", "z");
    await rig.router.idle();
    expect(publisher.calls.map(({ topic, messages }) => [topic, messages.map((message) => message.text())])).toEqual([
      ["x", ["1", "3"]],
      ["y", ["2"]],
    ]);
    expect(letters.calls.flatMap(({ messages }) => messages.map((message) => message.metadata.get("reason_poisoned")))).toEqual([
      expect.stringContaining('handler "a" returned a message that names no topic'),
      expect.stringContaining('handler "a" returned a message for topic "z"'),
    ]);
  });
});

describe("a nack with a delay by the handler itself", () => {
  it("keeps its moment through close and start on a broker that does not keep it", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const at: number[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (message) => {
        at.push(performance.now());
        if (at.length === 1) message.nack({ delayMs: 120 });
      },
    });
    await rig.router.start();
    subscriber.source.session.deliver("m");
    await until(() => at.length === 1, "the first call");
    await rig.router.close();
    await rig.router.start();
    subscriber.source.session.deliver("m"); // at once, as a queue gives back what was not acked
    await until(() => at.length === 2, "the second call");
    expect((at[1] as number) - (at[0] as number)).toBeGreaterThan(115);
  });
});
