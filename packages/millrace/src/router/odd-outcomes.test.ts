import { describe, expect, it } from "vitest";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type Subscriber } from "../message/index.ts";
import { strippedSubscription } from "../message/stripped.fixture.ts";
import { HandPublisher, Rig, until } from "./rig.fixture.ts";

const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A rig whose second failure of a message is its last. */
function twice(): { readonly rig: Rig; readonly letters: HandPublisher } {
  const letters = new HandPublisher();
  const rig = new Rig({ failure: { attempts: 2, minDelayMs: 0, maxDelayMs: 1, deadLetter: { publisher: letters, topic: "dead" } } });
  return { rig, letters };
}

type Kind = "sync" | "async" | "batch" | "pipeline";

function add({ router }: Rig, kind: Kind, fail: () => never): void {
  const common = { name: "a", subscribe: "t" };
  if (kind === "sync") router.addConsumerHandler({ ...common, handle: fail });
  else if (kind === "async") router.addConsumerHandler({ ...common, handle: async () => fail() });
  else if (kind === "batch") router.addBatchHandler({ ...common, size: 1, maxWaitMs: 1, handle: async () => fail() });
  else router.addHandler({ ...common, publish: "o", pipeline: 1, handle: async () => fail() });
}

class Unreadable extends Error {
  override get message(): string {
    throw new Error("no message");
  }

  override set message(_text: string) {}
}

describe("a handler that fails with what throws when it is looked at", () => {
  const things: Readonly<Record<string, () => unknown>> = {
    "a proxy": () =>
      new Proxy(
        {},
        {
          get() {
            throw new Error("not to be read");
          },
        },
      ),
    "a revoked proxy": () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    "an error with a cause that throws": () =>
      Object.defineProperty(new Error("x"), "cause", {
        get() {
          throw new Error("no cause");
        },
      }),
    "an error with a message that throws": () => new Unreadable(),
  };
  for (const [what, make] of Object.entries(things)) {
    for (const kind of ["sync", "async", "batch", "pipeline"] as const) {
      it(`has failed as with any other: ${what} (${kind})`, async () => {
        const { rig, letters } = twice();
        await using _ = rig;
        add(rig, kind, () => {
          throw make();
        });
        await rig.router.start();
        await rig.send("t", "x");
        await until(() => letters.calls.length === 1, "the dead letter");
        await rig.router.idle();
        expect(letters.calls[0]?.messages[0]?.metadata.get("reason_poisoned")).toBe("something was thrown that cannot be shown");
        const health = rig.router.health();
        expect(health.handlers.a?.counts).toMatchObject({ handled: 0, failed: 2, retried: 1, deadLettered: 1 });
        expect(JSON.stringify(health)).toContain("something was thrown that cannot be shown");
      });
    }
  }
});

describe("a handler that returns a thenable of its own", () => {
  for (const kind of ["consumer", "handler"] as const) {
    const addTo = ({ router }: Rig, handle: () => unknown): void => {
      if (kind === "consumer") router.addConsumerHandler({ name: "a", subscribe: "t", handle: handle as () => void });
      else router.addHandler({ name: "a", subscribe: "t", publish: "o", handle: handle as () => undefined });
    };

    it(`fails when that throws as it is asked (${kind})`, async () => {
      const { rig, letters } = twice();
      await using _ = rig;
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      addTo(rig, () => ({ then: () => JSON.parse("{") }));
      await rig.router.start();
      await rig.send("t", "x");
      await until(() => letters.calls.length === 1, "the dead letter");
      expect(rig.router.health().handlers.a?.counts).toMatchObject({ failed: 2, retried: 1, deadLettered: 1, reconnected: 0 });
    });

    it(`has its message until that is settled, also when it gives no promise back (${kind})`, async () => {
      const { rig, letters } = twice();
      await using _ = rig;
      const rejects: ((error: Error) => void)[] = [];
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      addTo(rig, () => ({ then: (_resolve: unknown, reject: (error: Error) => void) => void rejects.push(reject) }));
      await rig.router.start();
      await rig.send("t", "x");
      await until(() => rejects.length === 1, "the first call");
      await turn();
      expect(rig.router.health().handlers.a).toMatchObject({ inFlight: 1, counts: { handled: 0 } });
      rejects[0]?.(new Error("first"));
      await until(() => rejects.length === 2, "the second call");
      rejects[1]?.(new Error("second"));
      await until(() => letters.calls.length === 1, "the dead letter");
      expect(letters.calls[0]?.messages[0]?.metadata.get("reason_poisoned")).toBe("second");
    });
  }
});

it("a foreign subscription that breaks with what cannot be shown is taken up again", async () => {
  await using bus = new MemoryPubSub();
  await bus.provision("t", { group: "a" });
  let subscribed = 0;
  const subscriber: Subscriber = {
    subscribe: async (topic, options) => {
      const subscription = strippedSubscription(await bus.subscribe(topic, options));
      if (++subscribed > 1) return subscription;
      return Object.defineProperty(subscription, Symbol.asyncIterator, {
        value: () => ({ next: () => Promise.reject(Object.create(null)) }),
      });
    },
    close: () => bus.close(),
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  };
  await using rig = new Rig({ subscriber });
  const texts: string[] = [];
  rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: (m) => void texts.push(m.text()) });
  await rig.router.start();
  await bus.publish("t", new Message("x"));
  await until(() => texts.length === 1, "the message from the second subscription");
  expect(rig.router.health().handlers.a).toMatchObject({ state: "running", counts: { reconnected: 1 } });
});
