import { describe, expect, it } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { Message } from "../message/index.ts";
import { HandPublisher, HandSubscriber, Rig, until } from "./rig.fixture.ts";

const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("a paused handler", () => {
  it("begins no message of another topic that waits for the slot: it goes back", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    const gate = deferred<void>();
    const handle = rig.router.addConsumerHandler({
      name: "a",
      subscribe: ["t", "u"],
      handle: async (message) => {
        seen.push(message.text());
        if (seen.length === 1) await gate.promise;
      },
    });
    await rig.router.start();
    const [one, two] = subscriber.source.sessions;
    one?.deliver("1");
    await until(() => seen.length === 1, "the first call");
    two?.deliver("2");
    await turn();
    handle.pause();
    gate.resolve();
    await turn();
    expect([seen, two?.givenBack.map(({ id }) => id)]).toEqual([["1"], ["2"]]);
    handle.resume();
    two?.deliver("2");
    await until(() => two?.told.includes("ack 2") === true, "its ack after the pause");
    expect(seen).toEqual(["1", "2"]);
  });

  it("begins no message that waits for its turn in a pipeline, and all are handled in order afterwards", async () => {
    const publisher = new HandPublisher();
    await using rig = new Rig();
    const seen: string[] = [];
    const gate = deferred<void>();
    const handle = rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "o" },
      pipeline: 4,
      handle: async (message) => {
        seen.push(message.text());
        if (seen.length === 1) await gate.promise;
        return new Message(message.text());
      },
    });
    await rig.router.start();
    await rig.send("t", "1", "2", "3", "4", "5", "6");
    await until(() => rig.router.health().handlers.a?.inFlight === 5, "a full pipeline");
    handle.pause();
    gate.resolve();
    await until(() => rig.router.health().handlers.a?.counts.handled === 1, "the one that runs");
    await turn();
    expect([seen, rig.router.health().handlers.a?.inFlight]).toEqual([["1"], 0]);
    handle.resume();
    await rig.router.idle();
    expect(publisher.texts).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(rig.router.health().handlers.a?.counts).toMatchObject({ handled: 6, failed: 0 });
  });
});

describe("a message that is lost before a slot is free for it", () => {
  it("is not handled: it is another member's", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    const gate = deferred<void>();
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: ["t", "u"],
      handle: async (message) => {
        seen.push(message.text());
        if (seen.length === 1) await gate.promise;
      },
    });
    await rig.router.start();
    const [one, two] = subscriber.source.sessions;
    one?.deliver("1");
    await until(() => seen.length === 1, "the first call");
    two?.deliver("2");
    await turn();
    two?.intake.lose();
    gate.resolve();
    await until(() => one?.told.includes("ack 1") === true, "the ack");
    two?.deliver("3");
    await until(() => two?.told.includes("ack 3") === true, "the next one");
    expect(seen).toEqual(["1", "3"]);
  });
});
