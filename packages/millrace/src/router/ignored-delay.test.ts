import { describe, expect, it } from "vitest";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type NackOptions, type Subscriber } from "../message/index.ts";
import { plain, withMessages } from "../message/stripped.fixture.ts";
import { HandPublisher, Rig, until } from "./rig.fixture.ts";

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A subscriber of somebody else's that hands out again at once what is nacked, whatever the delay. */
class Impatient {
  readonly bus: MemoryPubSub = new MemoryPubSub({ persistent: true });
  handOuts = 0;
  readonly subscriber: Subscriber = withMessages(this.bus, (message) => {
    this.handOuts++;
    return Object.defineProperty(plain(message), "nack", { value: (options?: NackOptions) => message.nack({ ...options, delayMs: 0 }) });
  });
}

describe("a foreign subscriber that knows of no delays", () => {
  it("makes no hot loop: what comes too early waits in the router, and is handled when it is due", async () => {
    for (const concurrency of [1, 4]) {
      const foreign = new Impatient();
      await using rig = new Rig({ subscriber: foreign.subscriber, failure: { minDelayMs: 150, maxDelayMs: 150 } });
      const at: number[] = [];
      rig.router.addConsumerHandler({
        name: "a",
        subscribe: "t",
        concurrency,
        handle: () => {
          if (at.push(performance.now()) < 3) throw Object.assign(new Error("not yet"), { retryAfterMs: 150 });
        },
      });
      await rig.router.start();
      await foreign.bus.publish("t", new Message("x", { key: "k" }));
      await until(() => at.length === 3, "the third call");
      await rig.router.idle();
      for (const index of [1, 2]) expect((at[index] as number) - (at[index - 1] as number)).toBeGreaterThan(145);
      expect(foreign.handOuts).toBe(3);
      expect(rig.router.health().handlers.a).toMatchObject({ counts: { handled: 1, failed: 2, retried: 2 } });
      await rig.router.close();
      await foreign.bus.close();
    }
  });

  it("keeps the order of a key meanwhile, and the bound on attempts", async () => {
    const foreign = new Impatient();
    const letters = new HandPublisher();
    await using rig = new Rig({
      subscriber: foreign.subscriber,
      failure: { attempts: 3, minDelayMs: 20, maxDelayMs: 20, deadLetter: { publisher: letters, topic: "dead" } },
    });
    const calls: string[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (message) => {
        calls.push(`${message.text()}${message.delivery.attempt}`);
        if (message.text() === "x") message.nack();
      },
    });
    await rig.router.start();
    await foreign.bus.publish("t", [new Message("x"), new Message("y")]);
    await until(() => calls.includes("y1"), "the later one");
    expect(calls).toEqual(["x1", "x2", "x3", "y1"]);
    expect(letters.texts).toEqual(["x"]);
    expect(foreign.handOuts).toBeLessThan(8);
    await rig.router.close();
    await foreign.bus.close();
  });

  it("gets back at once what waits in the router when the handler pauses or stops", async () => {
    const foreign = new Impatient();
    await using rig = new Rig({ subscriber: foreign.subscriber });
    const attempts: number[] = [];
    const handle = rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: ({ delivery }) => {
        attempts.push(delivery.attempt);
        throw Object.assign(new Error("not yet"), { retryAfterMs: 60_000 });
      },
    });
    await rig.router.start();
    await foreign.bus.publish("t", new Message("x"));
    await until(() => foreign.handOuts === 2, "handed out again");
    handle.pause();
    await wait(5);
    expect(rig.router.health().handlers.a).toMatchObject({ state: "paused", inFlight: 0 });
    handle.resume();
    await until(() => foreign.handOuts === 3, "and again");
    const began = performance.now();
    await rig.router.close();
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(attempts).toEqual([1]);
    await foreign.bus.close();
  });
});
