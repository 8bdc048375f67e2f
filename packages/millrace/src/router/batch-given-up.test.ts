import { describe, expect, it } from "vitest";
import { deferred } from "../internal/deferred.ts";
import type { Middleware } from "../message/index.ts";
import { retry, timeout } from "../middleware/index.ts";
import { HandSubscriber, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };
const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("a message of a batch that middleware has given up on", () => {
  it("gives the slot back after abandonAfterMs, also when it is tried again in place", async () => {
    await using rig = new Rig({ failure: quick });
    const hang = deferred<void>();
    let calls = 0;
    const handle = async (): Promise<void> => {
      if (++calls === 1) await hang.promise;
    };
    const middleware = [retry(quick), timeout(10)];
    rig.router.addBatchHandler({ name: "a", subscribe: "t", size: 1, maxWaitMs: 1, abandonAfterMs: 30, middleware, handle });
    await rig.router.start();
    await rig.send("t", "1");
    await rig.router.idle({ timeoutMs: 2000 });
    expect(rig.router.health().handlers.a?.counts).toMatchObject({ handled: 1, abandoned: 1 });
    expect(calls).toBe(2);
    hang.resolve();
  });

  it("is not handled any more, where that happens before its batch begins", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: quick });
    const batches: string[][] = [];
    let left = 2;
    const impatient: Middleware = (next) => async (message) => {
      const result = Promise.resolve(next(message));
      if (left-- <= 0) return await result;
      await turn(message.id === "1" ? 30 : 1); // the second one's failure waits for the first one's
      throw new Error("too slow");
    };
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 9,
      maxWaitMs: 100,
      abandonAfterMs: 10,
      middleware: [impatient],
      handle: (messages) => void batches.push(messages.map((message) => message.text())),
    });
    await rig.router.start();
    subscriber.source.session.deliver({ id: "1", key: "k" }, { id: "2", key: "k" });
    await until(() => rig.router.health().handlers.a?.counts.handled === 2, "both");
    expect(batches).toEqual([["1", "2"]]);
  });

  it("has its verdict, where that happens before its batch begins and the one before it in the batch succeeds", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: quick });
    let gaveUp = false;
    const impatient: Middleware = (next) => async (message) => {
      const result = Promise.resolve(next(message));
      if (gaveUp || message.id === "1") return await result;
      gaveUp = true;
      await turn();
      throw new Error("too slow");
    };
    rig.router.addBatchHandler({ name: "a", subscribe: "t", size: 9, maxWaitMs: 60, abandonAfterMs: 10, middleware: [impatient], handle: () => {} });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver({ id: "1", key: "k" }, { id: "2", key: "k" });
    await until(() => session.told.length === 2, "both verdicts");
    expect(session.told).toEqual(["ack 1", "ack 2"]);
  });
});
