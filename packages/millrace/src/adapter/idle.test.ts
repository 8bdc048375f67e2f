import { describe, expect, it, vi } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { type SubscriptionDoor, subscriptionDoor } from "../message/subscription-door.ts";
import { HandSource, nextOf } from "./hand-source.fixture.ts";

describe("quiet", () => {
  it("comes when nothing is held, in flight, or left to fetch", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    const caughtUp = deferred<boolean>();
    Object.assign(source.session, { caughtUp: () => caughtUp.promise });
    source.session.deliver("a");
    const quiet = vi.fn();
    const waiting = (subscriptionDoor(subscription) as SubscriptionDoor).idle().then(quiet);
    (await nextOf(iterator)).ack();
    await new Promise((resolve) => setImmediate(resolve));
    expect(quiet).not.toHaveBeenCalled();
    caughtUp.resolve(true);
    await waiting;
  });

  it("does not come while the session says that there is more", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const answers = [false, false, true];
    Object.assign(source.session, { caughtUp: () => answers.shift() });
    await (subscriptionDoor(subscription) as SubscriptionDoor).idle();
    expect(answers).toEqual([]);
  });

  it("comes when what was held is recalled by its session", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.deliver("a", "b");
    const waiting = (subscriptionDoor(subscription) as SubscriptionDoor).idle();
    expect(source.session.intake.recall(() => true).map(({ id }) => id)).toEqual(["a", "b"]);
    await waiting;
  });

  it("is let go when the subscription closes or fails", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.deliver("a");
    const waiting = (subscriptionDoor(subscription) as SubscriptionDoor).idle();
    source.openErrors.push(new MillraceError("gone", { code: "GONE" }));
    source.session.intake.fail(new Error("cut"));
    await waiting;
    expect(subscription.status().state).toBe("stopped");
  });
});
