import { describe, expect, it } from "vitest";
import { retry } from "../middleware/index.ts";
import { HandPublisher, Rig } from "./rig.fixture.ts";

const refuse = (): never => {
  throw new Error("not for you");
};
const withGetter = (name: string): Error => Object.defineProperty(new Error("lazy"), name, { get: refuse });
const { proxy, revoke } = Proxy.revocable(new Error("gone"), {});
revoke();

const UNREADABLE: Readonly<Record<string, unknown>> = {
  "an error whose cause throws": withGetter("cause"),
  "an error whose retryAfterMs throws": withGetter("retryAfterMs"),
  "an error whose message throws": withGetter("message"),
  "an error with such a cause": new Error("outer", { cause: withGetter("retryAfterMs") }),
  "a proxy that throws when read": new Proxy(new Error("trap"), { get: refuse }),
  "a proxy that throws when asked for its class": new Proxy(new Error("trap"), { getPrototypeOf: refuse }),
  "a proxy that was revoked": proxy,
};

describe.each(Object.entries(UNREADABLE))("a handler that throws %s", (_name, thrown) => {
  it.each([
    { how: "at once", async: false, middleware: [] },
    { how: "later", async: true, middleware: [] },
    { how: "through a middleware", async: true, middleware: [retry({ maxRetries: 1, minDelayMs: 0, maxDelayMs: 1 })] },
  ])(
    "$how has failed as with any other error: its attempts are bounded, the message goes to the dead letter, and the next is handled",
    async ({ async, middleware }) => {
      const letters = new HandPublisher();
      await using rig = new Rig({ failure: { attempts: 2, minDelayMs: 0, maxDelayMs: 1, deadLetter: { publisher: letters, topic: "dead" } } });
      const seen: string[] = [];
      const fail = (): void => {
        throw thrown;
      };
      rig.router.addConsumerHandler({
        name: "a",
        subscribe: "t",
        middleware,
        handle: (m) => {
          seen.push(m.text());
          if (m.text() === "good") return undefined;
          return async ? Promise.resolve().then(fail) : fail();
        },
      });
      await rig.router.start();
      await rig.send("t", "bad", "good");
      await rig.router.idle({ timeoutMs: 5000 });
      expect(seen.at(-1)).toBe("good");
      expect(letters.texts).toEqual(["bad"]);
      expect(rig.router.health().handlers.a).toMatchObject({ state: "running", counts: { failed: 2, deadLettered: 1, reconnected: 0 } });
      expect(letters.calls[0]?.messages[0]?.metadata.get("reason_poisoned")).toMatch(/cannot be|not for you|revoked/);
    },
  );
});

it("a message whose dead letter fails with an error that cannot be read is kept, and tried again until it gets there", async () => {
  const letters = new HandPublisher();
  letters.onPublish = (call) => (call < 3 ? Promise.reject(proxy) : undefined);
  await using rig = new Rig({ failure: { attempts: 1, minDelayMs: 0, maxDelayMs: 1, deadLetter: { publisher: letters, topic: "dead" } } });
  rig.router.addConsumerHandler({
    name: "a",
    subscribe: "t",
    handle: () => {
      throw new Error("no");
    },
  });
  await rig.router.start();
  await rig.send("t", "x");
  await rig.router.idle({ timeoutMs: 5000 });
  expect(letters.texts).toEqual(["x", "x", "x"]);
  expect(rig.router.health().handlers.a?.counts).toMatchObject({ deadLettered: 1 });
});
