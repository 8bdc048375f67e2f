import { describe, expect, it } from "vitest";
import { FanOut } from "../fan-out/index.ts";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "../message/index.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { HandSubscriber, Rig } from "./rig.fixture.ts";

/** The state of handler "a" and how many seconds after the beginning it began. */
function stateOf(rig: Rig, beganMs: number): string {
  const { state, since } = rig.router.health().handlers.a ?? {};
  return `${state} since ${((since?.getTime() ?? Number.NaN) - beganMs) / 1000}`;
}

/** Messages whose text is among `bad` fail, for ever. */
function failing(rig: Rig, bad: ReadonlySet<string>): void {
  rig.router.addConsumerHandler({
    name: "a",
    subscribe: "t",
    concurrency: 4,
    failure: { attempts: 1, maxDelayMs: 1_000 },
    handle: (message) => {
      if (bad.has(message.text())) throw new Error("boom");
    },
  });
}

describe("since when a handler is what health says", () => {
  it("failing: when the first message had no attempts left, until the last one is through; running: since then", async () => {
    using clock = new VirtualClock().install();
    const beganMs = Date.now();
    await using rig = new Rig();
    const bad = new Set(["1", "2"]);
    failing(rig, bad);
    await rig.router.start();
    const told: string[] = [];
    const tell = async (ms: number): Promise<void> => {
      await clock.advance(ms);
      told.push(stateOf(rig, beganMs));
    };
    await tell(10_000);
    await rig.send("t", ["1", "1"]);
    await tell(5_000);
    await rig.send("t", ["2", "2"]);
    await tell(5_500);
    bad.delete("1");
    await tell(5_000);
    bad.clear();
    await tell(20_000);
    await rig.send("t", ["1", "1"]);
    await tell(100);
    expect(told).toEqual(["running since 0", "failing since 10", "failing since 10", "failing since 10", "running since 26", "running since 26"]);
  });

  it("running again: when the failed message could have come back, where another member took it", async () => {
    using clock = new VirtualClock().install();
    const beganMs = Date.now();
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const bad = new Set(["1", "2"]);
    failing(rig, bad);
    await rig.router.start();
    await clock.advance(10_000);
    for (const payload of ["1", "2"]) {
      subscriber.source.session.deliver({ id: payload, payload });
      await clock.advance(0);
      expect(stateOf(rig, beganMs)).toBe(payload === "1" ? "failing since 10" : "failing since 70");
      subscriber.source.session.intake.lose();
      await clock.advance(60_000);
    }
    expect(stateOf(rig, beganMs)).toBe("running since 76");
  });

  it("starting and stopped: when it was added, began to start again, and began to stop", async () => {
    using clock = new VirtualClock().install();
    const beganMs = Date.now();
    await using rig = new Rig();
    let goOn = (): void => {};
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => new Promise<void>((resolve) => (goOn = resolve)) });
    await clock.advance(1_000);
    expect(stateOf(rig, beganMs)).toBe("starting since 0");
    await rig.router.start();
    expect(stateOf(rig, beganMs)).toBe("running since 1");
    await rig.send("t", "1");
    await clock.advance(1_000);
    const closed = rig.router.close();
    await clock.advance(1_000);
    expect(stateOf(rig, beganMs)).toBe("stopped since 2");
    goOn();
    await closed;
    await clock.advance(1_000);
    expect(stateOf(rig, beganMs)).toBe("stopped since 2");
    rig.router.addPlugin(async () => clock.advance(1_000));
    await rig.router.start();
    expect(stateOf(rig, beganMs)).toBe("running since 5");
  });

  it("starting: since it was added, also while it is subscribed", async () => {
    using clock = new VirtualClock().install();
    const beganMs = Date.now();
    const subscriber = new HandSubscriber();
    subscriber.subscribe = () => new Promise(() => {});
    await using rig = new Rig({ subscriber });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await clock.advance(1_000);
    const started = rig.router.start().catch(() => {});
    await clock.advance(1_000);
    expect(stateOf(rig, beganMs)).toBe("starting since 0");
    await rig.router.close();
    await started;
  });

  it("blocked: when the window of a fan-out became full", async () => {
    using clock = new VirtualClock().install();
    const beganMs = Date.now();
    const bus = new MemoryPubSub();
    const fanOut = new FanOut({ subscriber: bus, topics: ["t"], window: 2, logger: silentLogger });
    await fanOut.provision("t", { group: "later" });
    await fanOut.start();
    await clock.advance(1_000);
    await bus.publish("t", [new Message("1"), new Message("2"), new Message("3")]);
    await clock.advance(1_000);
    const { state, since } = fanOut.health().handlers.fan_out_t ?? {};
    expect([state, since?.getTime()]).toEqual(["blocked", beganMs + 1_000]);
    await fanOut.close({ timeoutMs: 0 });
    await bus.close();
  });
});
