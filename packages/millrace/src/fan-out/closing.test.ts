import { describe, expect, it } from "vitest";
import { silentLogger } from "../logger/index.ts";
import { FanOut } from "./index.ts";

describe("a fan-out whose upstream does not answer", () => {
  for (const end of ["close", "dispose"] as const) {
    it(`ends in its time by ${end}, and whoever waits for it to start is told`, async () => {
      const upstream = { subscribe: () => new Promise<never>(() => {}), close: async () => {}, [Symbol.asyncDispose]: async () => {} };
      const fanOut = new FanOut({ subscriber: upstream, topics: ["orders"], logger: silentLogger });
      const waiting = Promise.allSettled([fanOut.start(), fanOut.subscribe("orders", { group: "g" }), fanOut.provision("orders")]);
      await new Promise((resolve) => setImmediate(resolve));
      await (end === "close" ? fanOut.close({ timeoutMs: 50 }) : fanOut[Symbol.asyncDispose]());
      expect((await waiting).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    });
  }
});
