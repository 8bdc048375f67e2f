import { describe, expect, it } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { Message, type Middleware, type ReceivedMessage } from "../message/index.ts";
import { HandPublisher, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index + 1));

/** Keeps each publish waiting until the test confirms or refuses it. */
class SlowPublisher extends HandPublisher {
  readonly open: { readonly text: string; confirm(): void; refuse(error: unknown): void }[] = [];

  constructor() {
    super();
    this.onPublish = (_call, messages) =>
      new Promise((resolve, reject) => this.open.push({ text: messages.map((m) => m.text()).join(), confirm: resolve, refuse: reject }));
  }
}

describe("a pipeline", () => {
  it("asks for concurrency + pipeline messages, and handles ahead of confirmations, in order", async () => {
    const publisher = new SlowPublisher();
    await using rig = new Rig();
    const handled: string[] = [];
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "out" },
      pipeline: 3,
      handle: (m) => {
        handled.push(m.text());
        return new Message(m.text());
      },
    });
    await rig.router.start();
    await rig.send("t", ...numbers(8));
    await until(() => publisher.open.length === 4, "four ahead");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([handled, publisher.texts]).toEqual([numbers(4), numbers(4)]);
    publisher.open[0]?.confirm();
    await until(() => publisher.open.length === 5, "the fifth");
    for (let index = 1; index < 8; index++) {
      await until(() => publisher.open.length > index, `publish ${index}`);
      publisher.open[index]?.confirm();
    }
    await rig.router.idle();
    expect([handled, publisher.texts]).toEqual([numbers(8), numbers(8)]);
  });

  it("begins with the next one of a lane only when a handler that middleware has given up on has ended", async () => {
    const publisher = new HandPublisher();
    await using rig = new Rig();
    const gate = deferred<void>();
    const begun: string[] = [];
    const impatient: Middleware = (next) => (message) => Promise.race([next(message), new Promise<void>((resolve) => setTimeout(resolve, 2))]);
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "out" },
      concurrency: 2,
      pipeline: 1,
      middleware: [impatient],
      handle: async (m) => {
        begun.push(m.text());
        if (m.text() === "1") await gate.promise;
      },
    });
    await rig.router.start();
    await rig.send("t", ["k", "1"], ["k", "2"]);
    await until(() => begun.length === 1, "the first call");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(begun).toEqual(["1"]);
    gate.resolve();
    await rig.router.idle();
    expect(begun).toEqual(["1", "2"]);
  });

  it("begins with another key only when a handler that middleware has given up on leaves its slot", async () => {
    await using rig = new Rig();
    const gate = deferred<void>();
    const begun: string[] = [];
    const impatient: Middleware = (next) => (message) => Promise.race([next(message), new Promise<void>((resolve) => setTimeout(resolve, 2))]);
    const handle = async (message: ReceivedMessage): Promise<void> => {
      begun.push(message.text());
      await gate.promise;
    };
    const publish = { publisher: new HandPublisher(), topic: "out" };
    rig.router.addHandler({ name: "a", subscribe: "t", publish, concurrency: 2, pipeline: 2, middleware: [impatient], handle });
    await rig.router.start();
    await rig.send("t", ["k", "1"], ["l", "2"], ["m", "3"]);
    await until(() => begun.length === 2, "two calls");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(begun).toEqual(["1", "2"]);
    gate.resolve();
    await rig.router.idle();
    expect(begun).toEqual(["1", "2", "3"]);
  });

  it("leaves room for other keys: of one key no more than one and the pipeline are in hand", async () => {
    const publisher = new SlowPublisher();
    await using rig = new Rig();
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "out" },
      concurrency: 2,
      pipeline: 1,
      handle: (m) => new Message(m.text()),
    });
    await rig.router.start();
    await rig.send("t", ["k", "1"], ["k", "2"], ["k", "3"], ["l", "4"]);
    await until(() => publisher.open.length === 3, "what is in hand");
    expect(publisher.texts.sort()).toEqual(["1", "2", "4"]);
    for (let index = 0; index < 4; index++) {
      await until(() => publisher.open.length > index, `publish ${index}`);
      publisher.open[index]?.confirm();
    }
  });

  it("publishes the results of a message that its handler has acked, although one before it fails meanwhile", async () => {
    const publisher = new SlowPublisher();
    await using rig = new Rig({ failure: quick });
    const gate = deferred<void>();
    const calls: string[] = [];
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "out" },
      pipeline: 1,
      handle: async (m) => {
        calls.push(m.text());
        if (m.text() === "2") {
          m.ack();
          await gate.promise;
        }
        return new Message(m.text());
      },
    });
    await rig.router.start();
    await rig.send("t", "1", "2");
    await until(() => calls.length === 2, "both calls");
    publisher.open[0]?.refuse(new Error("no"));
    await until(() => rig.logger.saying("will be tried again").length === 1, "the failure");
    gate.resolve();
    await until(() => publisher.open.length === 3, "the other results");
    for (const { confirm } of publisher.open) confirm();
    await rig.router.idle();
    expect([calls, publisher.texts.sort()]).toEqual([
      ["1", "2", "1"],
      ["1", "1", "2"],
    ]);
  });

  it("of 0, the default, waits for each confirmation", async () => {
    const publisher = new SlowPublisher();
    await using rig = new Rig();
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "out" }, handle: (m) => new Message(m.text()) });
    await rig.router.start();
    await rig.send("t", "1", "2");
    await until(() => publisher.open.length === 1, "the first publish");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(publisher.texts).toEqual(["1"]);
    publisher.open[0]?.confirm();
    await until(() => publisher.open.length === 2, "the second publish");
    publisher.open[1]?.confirm();
    await rig.router.idle();
  });

  it("handles all later ones again when a confirmation fails: readers may see some twice, never a loss, never out of order in the end", async () => {
    const publisher = new SlowPublisher();
    await using rig = new Rig({ failure: quick });
    const attempts = new Map<string, number[]>();
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "out" },
      pipeline: 4,
      handle: (m) => {
        attempts.set(m.text(), [...(attempts.get(m.text()) ?? []), m.delivery.attempt]);
        return new Message(m.text());
      },
    });
    await rig.router.start();
    await rig.send("t", ...numbers(6));
    await until(() => publisher.open.length === 5, "five ahead");
    for (const [index, one] of publisher.open.entries()) if (index !== 2) one.confirm();
    publisher.open[2]?.refuse(new Error("not stored"));
    // Of the six, the third to the fifth are handled and published again, confirmed though the later ones were.
    for (let next = 5; next < 9; next++) {
      await until(() => publisher.open.length > next, `publish ${next}`);
      publisher.open[next]?.confirm();
    }
    await rig.router.idle();
    const confirmed = publisher.texts.filter((_text, index) => index !== 2);
    expect(new Set(confirmed)).toEqual(new Set(numbers(6)));
    const lastSeen = numbers(6).map((text) => confirmed.lastIndexOf(text));
    expect(lastSeen).toEqual([...lastSeen].sort((one, other) => one - other));
    expect(attempts.get("3")).toEqual([1, 2]);
    for (const text of ["4", "5"]) expect(attempts.get(text)?.every((attempt) => attempt === 1)).toBe(true); // gone back uncounted
  });

  it("holds the order of a lane when a handler in the middle fails", async () => {
    const publisher = new HandPublisher();
    await using rig = new Rig({ failure: quick });
    let failures = 2;
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "out" },
      pipeline: 3,
      handle: async (m) => {
        await Promise.resolve();
        if (m.text() === "3" && failures-- > 0) throw new Error("not yet");
        return new Message(m.text());
      },
    });
    await rig.router.start();
    await rig.send("t", ...numbers(10));
    await rig.router.idle();
    expect(publisher.texts).toEqual(numbers(10));
  });

  it("lets nothing of a lane overtake a message on its way to a dead letter that cannot be reached", async () => {
    const publisher = new HandPublisher();
    const letters = new HandPublisher();
    letters.onPublish = async (call) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (call === 1) throw new Error("away");
    };
    await using rig = new Rig({ failure: { ...quick, attempts: 1, deadLetter: { publisher: letters, topic: "dead" } } });
    let failures = 1;
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "out" },
      pipeline: 2,
      handle: (m) => {
        if (m.text() === "1" && failures-- > 0) throw new Error("not yet");
        return new Message(m.text());
      },
    });
    await rig.router.start();
    await rig.send("t", ...numbers(4));
    await rig.router.idle();
    expect(publisher.texts).toEqual(numbers(4));
  });

  it("keeps the order per key with several handlers at a time, and one lane's trouble costs the others nothing", async () => {
    const publisher = new HandPublisher();
    await using rig = new Rig({ failure: { minDelayMs: 5, maxDelayMs: 5 } });
    let failures = 3;
    let running = 0;
    let most = 0;
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "out" },
      concurrency: 2,
      pipeline: 4,
      handle: async (m) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        running--;
        if (m.text() === "a3" && failures-- > 0) throw new Error("not yet");
        return new Message(m.text());
      },
    });
    await rig.router.start();
    const keys = ["a", "b", "c"];
    await rig.send("t", ...numbers(8).flatMap((n) => keys.map((key) => [key, `${key}${n}`] as const)));
    await rig.router.idle();
    for (const key of keys) expect(publisher.texts.filter((text) => text.startsWith(key))).toEqual(numbers(8).map((n) => `${key}${n}`));
    expect(most).toBe(2);
  });
});
