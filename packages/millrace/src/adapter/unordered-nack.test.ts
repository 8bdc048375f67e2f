import { describe, expect, it } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { inHand, message } from "./hands.fixture.ts";

describe("an unordered nack", () => {
  it("goes back to a broker that can delay, with the delay", async () => {
    const hands = await inHand(2, { returns: true });
    expect(message(hands, 0).nack({ delayMs: 700 })).toBe(true);
    await hands.subscription.flush();
    expect(hands.source.session.settled.flatMap(({ verdicts }) => verdicts)).toMatchObject([{ kind: "return", delayMs: 700 }]);
    expect(hands.subscription.status()).toMatchObject({ inFlight: 1, held: 0 });
  });

  it("goes at once when it leaves nothing in flight", async () => {
    const hands = await inHand(2, { returns: true, settleDelayMs: 60_000 });
    message(hands, 0).ack();
    message(hands, 1).nack();
    await Promise.resolve();
    expect(hands.source.session.told).toEqual(["ack 0", "return 1"]);
  });

  it("waits here for a broker that cannot, and the attempt is told where attempts are kept", async () => {
    const hands = await inHand(2, { keepsAttempts: true });
    message(hands, 0).nack({ delayMs: 60_000 });
    await hands.subscription.flush();
    expect(hands.source.session.settled.flatMap(({ verdicts }) => verdicts)).toMatchObject([{ kind: "kept", attempt: 2 }]);
    expect(hands.subscription.status()).toMatchObject({ inFlight: 1, held: 1 });
    await hands.subscription[Symbol.asyncDispose]();
  });

  it("tells its attempt as soon as the batch under way is answered, where attempts are kept", async () => {
    const hands = await inHand(3, { keepsAttempts: true, settleDelayMs: 60_000 });
    const gate = deferred<void>();
    hands.source.session.onSettle = () => gate.promise;
    message(hands, 0).ack();
    const flushing = hands.subscription.flush();
    message(hands, 1).nack({ delayMs: 60_000 });
    gate.resolve();
    await flushing;
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(hands.source.session.told).toEqual(["ack 0", "kept 1"]);
    await hands.subscription[Symbol.asyncDispose]();
  });
});
