import { describe, expect, it } from "vitest";
import type { AdapterSubscription } from "../adapter/index.ts";
import { MillraceError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { HandSubscriber, Rig, until } from "./rig.fixture.ts";

const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("idle", () => {
  it("waits for a subscription that breaks meanwhile, and for what its successor brings", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: (message) => void seen.push(message.text()) });
    await rig.router.start();
    const first = subscriber.source.session;
    subscriber.source.openErrors.push(new MillraceError("gone for good", { code: "GONE", retryable: false }));
    let idle = false;
    first.intake.fail(new Error("broken"));
    const waiting = rig.router.idle().then(() => {
      idle = true;
    });
    await turn(20);
    expect(idle).toBe(false);
    await until(() => subscriber.source.sessions.length === 2, "another subscription");
    await waiting;
    expect(rig.router.health().handlers.a?.state).toBe("running");
  });

  it("does not wait for a topic that was read to its end beside one that goes on; nor does health call the handler stopped", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    rig.router.addConsumerHandler({ name: "a", subscribe: ["t", "u"], handle: (message) => void seen.push(message.text()) });
    await rig.router.start();
    subscriber.source.sessions[0]?.deliver("1");
    await until(() => seen.length === 1, "the message");
    await (subscriber.subscriptions[0] as AdapterSubscription).finish();
    await turn();
    await rig.router.idle({ timeoutMs: 2000 });
    expect(rig.router.health()).toMatchObject({ ready: true, handlers: { a: { state: "running" } } });
    subscriber.source.sessions[1]?.deliver("2");
    await until(() => seen.length === 2, "a message of the other");
  });

  it("is not over because a handler was paused and resumed meanwhile", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const gate = deferred<void>();
    const seen: string[] = [];
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
    await until(() => seen.length === 1, "the call");
    two?.deliver("2");
    await turn();
    const idle = rig.router.idle();
    await turn();
    handle.pause();
    handle.resume();
    two?.deliver("2");
    gate.resolve();
    await idle;
    expect(seen).toEqual(["1", "2"]);
  });
});
