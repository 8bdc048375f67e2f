import { describe, expect, it } from "vitest";
import { PermanentError } from "../errors/index.ts";
import { FanIn } from "../fan-in/index.ts";
import { Forwarder } from "../forwarder/index.ts";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type ReceivedMessage, type SubscribeOptions, transformSubscriber } from "../message/index.ts";
import { poisonQueue } from "../middleware/poison-queue.ts";
import { Router } from "./index.ts";
import { HandPublisher, until } from "./rig.fixture.ts";

const REASON = "🦊".repeat(2_000);
const CUT = `${"🦊".repeat(1_023)}…`;
const fails = (): never => {
  throw new PermanentError(REASON);
};

/** A decorated bus, and where dead letters go. */
function world() {
  const bus = new MemoryPubSub({ persistent: true });
  const seen: SubscribeOptions[] = [];
  const subscribe = bus.subscribe.bind(bus);
  bus.subscribe = (topic, options) => {
    seen.push(options ?? {});
    return subscribe(topic, options);
  };
  const dead = new HandPublisher();
  return { bus, seen, subscriber: transformSubscriber(() => {})(bus), dead, deadLetter: { publisher: dead, topic: "dead" } };
}
type World = ReturnType<typeof world>;

interface Way {
  readonly handler: string;
  readonly more: Readonly<Record<string, string>>;
  readonly run: (world: World) => Promise<void>;
}

async function handled({ bus, subscriber, deadLetter }: World, poison: boolean): Promise<void> {
  const router = new Router({ subscriber, logger: silentLogger, failure: poison ? {} : { deadLetter } });
  const middleware = poison ? [poisonQueue(deadLetter)] : [];
  router.addConsumerHandler({ name: "charge", subscribe: "orders", middleware, handle: fails });
  await router.start();
  await bus.publish("orders", new Message("p", { delayMs: 0, metadata: { reason_poisoned: "old", attempts_poisoned: "7" } }));
  await router.idle();
  await router.close();
}

const WAYS: Readonly<Record<string, Way>> = {
  "the router's dead letter": { handler: "charge", more: { attempts_poisoned: "1" }, run: (world) => handled(world, false) },
  poisonQueue: { handler: "charge", more: {}, run: (world) => handled(world, true) },
  "a raw dead letter": {
    handler: "charge",
    more: { position_poisoned: "0:7" },
    run: async ({ subscriber, deadLetter, seen }) => {
      const router = new Router({ subscriber, logger: silentLogger, failure: { deadLetter } });
      router.addConsumerHandler({ name: "charge", subscribe: "orders", handle: fails });
      await router.start();
      await seen[0]?.undecodable?.({ topic: "orders", position: "0:7", payload: new Uint8Array(1), error: new Error(REASON) });
      await router.close();
    },
  },
  "a forwarder": {
    handler: "forwarder",
    more: { attempts_poisoned: "1" },
    run: async ({ bus, subscriber, dead, deadLetter }) => {
      const forwarder = new Forwarder({ subscriber, publisher: dead, topic: "orders", deadLetter, middleware: [() => fails], logger: silentLogger });
      await bus.publish("orders", new Message("p", { delayMs: 0 }));
      await forwarder.start();
      await forwarder.idle();
      await forwarder.close();
    },
  },
  "a fan-in": {
    handler: "fan_in_orders",
    more: { attempts_poisoned: "1" },
    run: async ({ bus, subscriber, dead, deadLetter }) => {
      const options = { subscriber, publisher: dead, sources: ["orders"], target: "all", failure: { deadLetter } };
      const fanIn = new FanIn({ ...options, middleware: [() => fails], logger: silentLogger });
      await bus.publish("orders", new Message("p", { delayMs: 0 }));
      await fanIn.start();
      await fanIn.idle();
      await fanIn.close();
    },
  },
};

describe("a dead letter", () => {
  it.each(Object.entries(WAYS))(
    "tells the same about itself from %s, with the class of the subscriber beneath decorators, and is not delayed",
    async (_title, way) => {
      const set = world();
      await way.run(set);
      await set.bus.close();
      expect(set.dead.calls.map(({ messages }) => messages.map(({ metadata }) => Object.fromEntries(metadata)))).toEqual([
        [{ reason_poisoned: CUT, topic_poisoned: "orders", handler_poisoned: way.handler, subscriber_poisoned: "MemoryPubSub", ...way.more }],
      ]);
    },
  );
});

it("bytes that cannot be decoded are offered to their dead letter again, with a wait between, until it has them", async () => {
  const { bus, seen, subscriber, dead, deadLetter } = world();
  const router = new Router({ subscriber, logger: silentLogger, failure: { deadLetter, minDelayMs: 1, maxDelayMs: 2 } });
  router.addConsumerHandler({ name: "charge", subscribe: "orders", handle: fails });
  await router.start();
  dead.onPublish = (call) => {
    if (call < 3) throw new Error("not now");
  };
  await seen[0]?.undecodable?.({ topic: "orders", position: "0:7", payload: new Uint8Array(1), error: new Error("no JSON") });
  expect([dead.calls.length, router.health().handlers.charge?.lastError?.message]).toEqual([3, "not now"]);
  await router.close();
  await bus.close();
});

it("a message whose dead letter is confirmed, and which cannot be acked, comes again and is acked without another call or letter", async () => {
  const bus = new MemoryPubSub();
  const dead = new HandPublisher();
  const router = new Router({ subscriber: bus, logger: silentLogger, failure: { deadLetter: { publisher: dead, topic: "dead" } } });
  let broken = true;
  const breakAck = (message: ReceivedMessage): void => {
    if (!broken) return;
    broken = false;
    const ack = (): never => {
      throw new Error("a foreign client is gone");
    };
    Object.defineProperty(message, "ack", { value: ack });
  };
  router.addSubscriberDecorators(transformSubscriber(breakAck));
  let calls = 0;
  const handle = (): never => {
    calls++;
    return fails();
  };
  router.addConsumerHandler({ name: "charge", subscribe: "orders", handle });
  await bus.provision("orders", { group: "charge" });
  await router.start();
  await bus.publish("orders", new Message("p"));
  await until(() => router.health().handlers.charge?.counts.reconnected === 1, "the new subscription");
  await router.idle();
  expect([calls, dead.calls.length, await bus.admin.lag?.("orders", "charge")]).toMatchObject([1, 1, { messages: 0 }]);
  await router.close();
  await bus.close();
});
