import { describe, expect, it } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { Received } from "./received.ts";
import { Settlements } from "./settlements.ts";
import type { Session } from "./source.ts";

function received(id: string): Received {
  return new Received({ source: { id }, key: undefined, payload: new Uint8Array(0), metadata: undefined }, undefined);
}

describe("flush", () => {
  it("tells every call that waits for a verdict whose delivery is lost, and nobody that does not", async () => {
    let answer = deferred<void>();
    const session = { settle: () => answer.promise } as unknown as Session<unknown>;
    const settlements = new Settlements({ delayMs: 5, batch: 1000, apart: false, session: () => session, onError: () => {}, onForgotten: () => {} });
    const [one, two, three] = [received("one"), received("two"), received("three")];
    settlements.add({ kind: "ack", message: one }, false);
    const flushes = [settlements.flush()];
    settlements.add({ kind: "ack", message: two }, false);
    flushes.push(settlements.flush(), settlements.flush());
    settlements.add({ kind: "ack", message: three }, false);
    settlements.forget((message) => message !== one);
    flushes.push(settlements.flush());
    answer.resolve();
    answer = deferred();
    answer.resolve();
    const told = await Promise.allSettled(flushes);
    expect(told.map((result) => (result.status === "fulfilled" ? [] : result.reason.positions))).toEqual([[], ["two"], ["two"], ["three"]]);
    await settlements.flush();
  });
});
