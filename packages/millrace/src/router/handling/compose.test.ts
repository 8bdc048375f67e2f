import { describe, expect, it } from "vitest";
import type { Middleware } from "../../message/index.ts";
import { duplicator, instantAck, recoverer } from "../../middleware/index.ts";
import type { ConsumerHandlerOptions } from "../handler-options.ts";
import type { Router } from "../index.ts";
import { Rig } from "../rig.fixture.ts";

type Common = Pick<ConsumerHandlerOptions, "name" | "subscribe" | "middleware" | "failure"> & { handle(): void };
type Register = (router: Router, common: Common) => void;

const KINDS: readonly (readonly [string, Register])[] = [
  ["consumer", (router, common) => router.addConsumerHandler(common)],
  ["handler", (router, common) => router.addHandler({ ...common, publish: "out" })],
  ["pipelined handler", (router, common) => router.addHandler({ ...common, publish: "out", pipeline: 2 })],
  ["batch handler", (router, common) => router.addBatchHandler({ ...common, size: 2, maxWaitMs: 1 })],
];

describe("a middleware factory that was not called", () => {
  it.each(KINDS)("acks nothing that the %s has not seen, and is named in the dead letter", async (_kind, register) => {
    for (const factory of [instantAck, recoverer, duplicator]) {
      await using rig = new Rig();
      const reasons: (string | undefined)[] = [];
      let calls = 0;
      rig.router.addConsumerHandler({ name: "look", subscribe: "dead", handle: (letter) => void reasons.push(letter.metadata.get("reason_poisoned")) });
      const failure = { attempts: 1, deadLetter: { publisher: rig.bus, topic: "dead" } };
      const { router } = rig;
      register(router, { name: "h", subscribe: "t", failure, middleware: [factory as unknown as Middleware], handle: () => void calls++ });
      await router.start();
      await rig.send("t", "a");
      await router.idle();
      expect([calls, router.health().handlers.h?.counts.handled]).toEqual([0, 0]);
      expect(reasons).toEqual([`handler "h": a middleware was added without being called: ${factory.name}()`]);
    }
  });

  it("is told from a middleware without parameters that passes on what came back", async () => {
    await using rig = new Rig();
    let calls = 0;
    const variadic: Middleware =
      (...[next]) =>
      (message) =>
        next(message);
    rig.router.addConsumerHandler({ name: "h", subscribe: "t", middleware: [variadic], handle: () => void calls++ });
    await rig.router.start();
    await rig.send("t", "a");
    await rig.router.idle();
    expect([variadic.length, calls]).toEqual([0, 1]);
  });
});
