import { describe, expect, it } from "vitest";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { HandSubscriber, Rig, until } from "./rig.fixture.ts";

const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("what comes late from an earlier message", () => {
  it("settles no other: a call that was acked early, abandoned at a close and ends after the next start", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    const gates: Deferred<void>[] = [deferred(), deferred()];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      abandonAfterMs: 20,
      handle: async (message) => {
        const call = seen.push(message.text());
        if (call === 1) message.ack();
        await gates[call - 1]?.promise;
      },
    });
    await rig.router.start();
    subscriber.source.session.deliver("1");
    await until(() => seen.length === 1, "the first call");
    await rig.router.close({ timeoutMs: 5 });
    await until(() => rig.router.health().handlers.a?.counts.abandoned === 1, "its end");
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver("2");
    await until(() => seen.length === 2, "the second call");
    gates[0]?.resolve();
    await turn();
    expect(session.told).toEqual([]);
    gates[1]?.resolve();
    await until(() => session.told.length === 1, "the verdict");
    expect([seen, session.told]).toEqual([["1", "2"], ["ack 2"]]);
  });

  it("settles no other: a redelivery that waited for a lost call and was handed back by a close", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    const gates: Deferred<void>[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      concurrency: 2,
      orderBy: "none",
      handle: async (message) => {
        seen.push(message.text());
        const gate = deferred<void>();
        gates.push(gate);
        await gate.promise;
      },
    });
    await rig.router.start();
    subscriber.source.session.deliver("m");
    await until(() => seen.length === 1, "the call");
    subscriber.source.session.intake.lose();
    subscriber.source.session.deliver("m");
    await turn();
    await rig.router.close({ timeoutMs: 5 });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver("n");
    await until(() => seen.length === 2, "the other call");
    gates[0]?.resolve();
    await turn();
    expect(session.told).toEqual([]);
    gates[1]?.resolve();
    await until(() => session.told.includes("ack n"), "its ack");
  });

  it("begins no other a second time: one that goes back behind a failed one of its key, whose slot brings the next message", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: { minDelayMs: 0, maxDelayMs: 1 } });
    const seen: string[] = [];
    const gate = deferred<void>();
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      concurrency: 2,
      handle: async (message) => {
        seen.push(message.text());
        if (seen.length > 1) return;
        await gate.promise;
        throw new Error("no");
      },
    });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver({ id: "1", key: "k" });
    await until(() => seen.length === 1, "the first call");
    session.intake.lose(); // it goes on, in line before what comes now
    session.deliver({ id: "2", key: "k" }, { id: "3", key: "other" });
    await turn();
    gate.resolve();
    await rig.router.idle();
    expect(seen.sort()).toEqual(["1", "2", "3"]);
  });
});
