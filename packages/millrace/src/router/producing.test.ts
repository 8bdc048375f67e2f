import { describe, expect, it } from "vitest";
import { Message, type Produced, type Publisher } from "../message/index.ts";
import { HandPublisher, outputOf, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };

describe("what a handler gives back", () => {
  it("is published in one call, in order, and the message is acked when that is confirmed", async () => {
    const publisher = new HandPublisher();
    let confirm!: () => void;
    publisher.onPublish = () =>
      new Promise((resolve) => {
        confirm = resolve;
      });
    await using rig = new Rig();
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "out" }, handle: () => [new Message("1"), new Message("2")] });
    await rig.router.start();
    await rig.send("t", "x");
    await until(() => publisher.calls.length === 1, "the publish");
    expect([publisher.calls[0]?.topic, publisher.texts, rig.router.health().handlers.a?.inFlight]).toEqual(["out", ["1", "2"], 1]);
    confirm();
    await rig.router.idle();
    expect(rig.router.health().handlers.a?.inFlight).toBe(0);
  });

  it("is nothing at all for undefined and for an empty list, sync or async", async () => {
    const publisher = new HandPublisher();
    await using rig = new Rig();
    const results: (() => Produced | Promise<Produced>)[] = [() => undefined, () => [], async () => undefined, async () => []];
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "out" }, handle: (m) => results[Number(m.text())]?.() });
    await rig.router.start();
    await rig.send("t", "0", "1", "2", "3");
    await rig.router.idle();
    expect([publisher.calls.length, rig.logger.lines.filter(({ level }) => level !== "debug").length]).toEqual([0, 0]);
  });

  it("takes the consumed message's key unless it has one of its own, so that order holds along a chain", async () => {
    await using rig = new Rig();
    const end = await outputOf(rig.bus, "end");
    rig.router.addHandler({ name: "a", subscribe: "t", publish: "mid", handle: (m) => [new Message(m.text()), new Message("own", { key: "mine" })] });
    rig.router.addHandler({ name: "b", subscribe: "mid", publish: "end", handle: async (m) => new Message(m.text(), { id: `b-${m.text()}` }) });
    await rig.router.start();
    await rig.send("t", ["k1", "x"], "keyless");
    await rig.router.idle();
    await until(() => end.messages.length === 4, "all output");
    expect(end.messages.map((m) => [m.text(), m.key])).toEqual([
      ["x", "k1"],
      ["own", "mine"],
      ["keyless", undefined],
      ["own", "mine"],
    ]);
    expect(end.messages[0]?.id).toBe("b-x");
  });

  it("may be the very message that came in", async () => {
    await using rig = new Rig();
    const output = await outputOf(rig.bus, "out");
    rig.router.addHandler({ name: "a", subscribe: "t", publish: "out", handle: (m) => m });
    await rig.router.start();
    await rig.bus.publish("t", new Message("x", { id: "m", metadata: { a: "1" } }));
    await rig.router.idle();
    await until(() => output.messages.length === 1, "the output");
    expect([output.messages[0]?.id, output.messages[0]?.metadata.get("a")]).toEqual(["m", "1"]);
  });

  it("is not published when the handler has nacked the message itself: it will be handled again", async () => {
    for (const pipeline of [0, 2]) {
      await using rig = new Rig();
      const output = await outputOf(rig.bus, "out");
      rig.router.addHandler({
        name: "a",
        subscribe: "t",
        publish: "out",
        pipeline,
        handle: (m) => {
          if (m.delivery.attempt === 1) m.nack();
          return new Message(`${m.text()}${m.delivery.attempt}`);
        },
      });
      await rig.router.start();
      await rig.send("t", "x", "y");
      await rig.router.idle();
      await until(() => output.texts.length === 2, "both outputs");
      expect(output.texts).toEqual(["x2", "y2"]);
    }
  });

  it("is published although the handler has acked before", async () => {
    await using rig = new Rig();
    const output = await outputOf(rig.bus, "out");
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: "out",
      handle: (m) => {
        m.ack();
        return new Message("done");
      },
    });
    await rig.router.start();
    await rig.send("t", "x");
    await until(() => output.texts.length === 1, "the output");
    expect(output.texts).toEqual(["done"]);
  });

  it("is a failure, code OUTPUT_WITHOUT_PUBLISHER, where there is no publisher", async () => {
    await using rig = new Rig({ failure: quick });
    const produce = (): void => new Message("x") as unknown as undefined;
    let calls = 0;
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => (++calls === 1 ? produce() : undefined) });
    await rig.router.start();
    await rig.send("t", "x");
    await rig.router.idle();
    expect(calls).toBe(2);
    expect(rig.logger.saying("will be tried again")[0]?.fields.error).toMatchObject({ code: "OUTPUT_WITHOUT_PUBLISHER" });
  });
});

describe("a publish that fails", () => {
  const failing: Readonly<Record<string, (real: HandPublisher) => Publisher["publish"]>> = {
    rejects: () => () => Promise.reject(new Error("no")),
    "throws at once": () => () => {
      throw new Error("no");
    },
  };
  for (const [how, make] of Object.entries(failing)) {
    it(`nacks the message and the handler runs again: it ${how}`, async () => {
      for (const pipeline of [0, 1]) {
        await using rig = new Rig({ failure: quick });
        const real = new HandPublisher();
        let failures = 2;
        const publisher: Publisher = {
          publish: (...given) => (failures-- > 0 ? make(real)(...given) : real.publish(...given)),
          close: async () => {},
          [Symbol.asyncDispose]: async () => {},
        };
        const attempts: number[] = [];
        rig.router.addHandler({
          name: "a",
          subscribe: "t",
          pipeline,
          publish: { publisher, topic: "out" },
          handle: (m) => {
            attempts.push(m.delivery.attempt);
            return new Message("out");
          },
        });
        await rig.router.start();
        await rig.send("t", "x");
        await rig.router.idle();
        expect([attempts, real.texts]).toEqual([[1, 2, 3], ["out"]]);
      }
    });
  }

  it("because of something that is no message is a failure as any other", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: { attempts: 1, deadLetter: { publisher: letters, topic: "dead" } } });
    const odd: unknown[] = [[null], null, "text", 7];
    rig.router.addHandler({ name: "a", subscribe: "t", publish: "out", handle: (m) => odd[Number(m.text())] as Message });
    await rig.router.start();
    await rig.send("t", ["k", "0"], ["k", "1"], ["k", "2"], ["k", "3"]);
    await rig.router.idle();
    expect(letters.texts).toEqual(["0", "1", "2", "3"]);
    expect(rig.router.health().handlers.a?.state).toBe("running");
  });
});
