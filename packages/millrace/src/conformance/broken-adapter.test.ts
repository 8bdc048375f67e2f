import { describe, expect, it } from "vitest";
import { MemoryPubSub, persistentMemoryCapabilities } from "../memory/index.ts";
import { metadata, type ReceivedMessage } from "../message/index.ts";
import { runScenario } from "./conformance.ts";
import type { ConformanceSetup } from "./conformance-setup.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { ADMIN_ROWS } from "./testdata/admin-rows.ts";
import { type Breakage, type BrokenRow, breaking } from "./testdata/breaking.ts";

const never = (): Promise<never> => new Promise(() => {});

const ROWS: readonly BrokenRow[] = [
  {
    does: "drops one message of a batch",
    scenarios: ["publish-subscribe", "concurrent-subscribe", "groups", "publish-large-batch"],
    breakage: { publish: (inner, topic, list, options) => inner.publish(topic, list.length > 7 ? list.toSpliced(6, 1) : list, options) },
  },
  {
    does: "delivers a message twice",
    scenarios: ["publish-subscribe"],
    breakage: { publish: (inner, topic, list, options) => inner.publish(topic, [...list, ...list.slice(0, 1)], options) },
  },
  {
    does: "reorders a batch",
    scenarios: ["in-order", "order-per-key-under-concurrency", "order-after-nack"],
    breakage: { publish: (inner, topic, list, options) => inner.publish(topic, list.toReversed(), options) },
  },
  {
    does: "never redelivers",
    scenarios: ["resend-on-nack", "attempt-counts", "redelivery-is-new-object", "continue-after-errors", "order-after-nack"],
    breakage: { message: (message) => ({ nack: () => message.ack() }) },
  },
  {
    does: "redelivers at once, whatever the delay",
    scenarios: ["delayed-nack", "delayed-nack-frees-others"],
    breakage: { message: (message) => ({ nack: () => message.nack() }) },
  },
  {
    does: "says yes to every verdict",
    scenarios: ["verdicts", "drain-deadline", "dispose-gives-back"],
    breakage: { message: (message) => ({ ack: () => message.ack() || true, nack: () => message.nack() || true }) },
  },
  {
    does: "calls every hand-out the first attempt",
    scenarios: ["attempt-counts", "order-after-nack"],
    breakage: { message: (message) => ({ delivery: { ...message.delivery, attempt: 1 } }) },
  },
  {
    does: "never resolves settled",
    scenarios: ["verdicts", "drain-deadline"],
    breakage: { message: () => ({ settled: never() }) },
  },
  {
    does: "reads payloads as text",
    scenarios: ["payloads"],
    breakage: { message: (message) => ({ payload: new TextEncoder().encode(message.text()) }) },
  },
  {
    does: "loses empty metadata",
    scenarios: ["metadata"],
    breakage: { message: (message) => ({ metadata: metadata([...message.metadata].filter(([, value]) => value !== "")) }) },
  },
  {
    does: "loses keys",
    scenarios: ["keys", "publish-again"],
    breakage: { message: () => ({ key: undefined }) },
  },
  {
    does: "hands the same metadata to a redelivery",
    scenarios: ["redelivery-is-new-object"],
    breakage: () => {
      const known = new Map<string, ReceivedMessage["metadata"]>();
      return {
        message: (message) => {
          const kept = known.get(message.id) ?? message.metadata;
          known.set(message.id, kept);
          return { metadata: kept };
        },
      };
    },
  },
  {
    does: "hands out more than maxInFlight",
    scenarios: ["no-ack-holds-next", "max-in-flight"],
    breakage: { options: (options) => ({ ...options, orderBy: "none", maxInFlight: (options.maxInFlight ?? 1) + 1 }) },
  },
  {
    does: "lets one lane have many in flight",
    scenarios: ["order-per-key-under-concurrency", "hot-failing-key"],
    breakage: { options: (options) => ({ ...options, orderBy: "none" }) },
  },
  {
    does: "gives everything to every member of a group",
    scenarios: ["two-members-share", "continue-after-close", "flush"],
    breakage: { options: ({ group: _group, ...options }) => ({ ...options, from: "earliest" }) },
  },
  {
    does: "shares one group among all",
    scenarios: ["groups", "two-subscriptions"],
    breakage: { options: (options) => ({ ...options, group: "all" }), pubsub: () => ({ provision: () => Promise.resolve() }) },
  },
  {
    does: "mixes up topics",
    scenarios: ["concurrent-topics", "topic-names"],
    breakage: () => ({
      publish: (inner, topic, list, options) => inner.publish(topic.toLowerCase().slice(0, 1), list, options),
      pubsub: (inner) => ({ subscribe: (topic: string, options: object) => inner.subscribe(topic.toLowerCase().slice(0, 1), options) }),
    }),
  },
  {
    does: "begins a new group at the latest",
    scenarios: ["from-earliest", "from-time", "from-position"],
    breakage: { options: ({ from: _from, ...options }) => ({ ...options, from: "latest" }) },
  },
  {
    does: "begins a new group at the earliest",
    scenarios: ["from-latest", "from-time", "from-position"],
    breakage: { options: ({ from: _from, ...options }) => ({ ...options, from: "earliest" }) },
  },
  {
    does: "sends a publish that was aborted before",
    scenarios: ["publish-abort"],
    breakage: { publish: (inner, topic, list) => inner.publish(topic, list) },
  },
  {
    does: "reads metadata some time after publish was called",
    scenarios: ["publish-takes-a-snapshot"],
    breakage: { publish: (inner, topic, list, options) => Promise.resolve().then(() => inner.publish(topic, list, options)) },
  },
  {
    does: "publishes after close",
    scenarios: ["publish-after-close"],
    breakage: { pubsub: () => ({ publish: () => Promise.resolve() }) },
  },
  {
    does: "never ends closing",
    scenarios: ["close-idempotent", "publish-subscribe", "drain"],
    breakage: { subscription: () => ({ close: never, drain: never }) },
  },
  {
    does: "drops what is in hand when it is disposed",
    scenarios: ["dispose-gives-back", "partial-batch-at-close"],
    breakage: () => {
      const inHand = new Set<ReceivedMessage>();
      return {
        message: (message) => {
          inHand.add(message);
          return {};
        },
        subscription: (subscription) => ({
          [Symbol.asyncDispose]: () => {
            for (const message of inHand) message.ack();
            return subscription[Symbol.asyncDispose]();
          },
        }),
      };
    },
  },
  {
    does: "goes on while paused",
    scenarios: ["pause-gives-back"],
    breakage: { subscription: (subscription) => ({ pause: () => {}, status: () => ({ ...subscription.status(), state: "paused" }) }) },
  },
  {
    does: "closes the subscription at break",
    scenarios: ["iterator-rules"],
    breakage: {
      subscription: (subscription) => ({
        [Symbol.asyncIterator]: () => {
          const iterator = subscription[Symbol.asyncIterator]();
          return { next: () => iterator.next(), return: () => subscription.close().then(() => ({ value: undefined, done: true })) };
        },
      }),
    },
  },
  {
    does: "forgets verdicts at flush",
    scenarios: ["flush"],
    breakage: { message: () => ({ ack: () => true }), subscription: () => ({ flush: () => Promise.resolve() }) },
  },
  {
    does: "ignores the signal",
    scenarios: ["signal-closes"],
    breakage: { options: ({ signal: _signal, ...options }) => options },
  },
  ...ADMIN_ROWS,
  {
    does: "leaves a timer running",
    scenarios: ["nothing-left-open"],
    breakage: {
      pubsub: () => {
        setTimeout(() => {}, 3000);
        return {};
      },
    },
  },
  {
    does: "blocks the event loop while it reads",
    scenarios: ["big-backlog-timer-lateness"],
    breakage: () => {
      let read = 0;
      const message = (): object => {
        if (++read % 1000 === 0) for (const end = process.cpuUsage().user + 100_000; process.cpuUsage().user < end; );
        return {};
      };
      return { message };
    },
  },
];

function setupWith(breakage: Breakage): ConformanceSetup {
  return {
    name: "a broken adapter",
    capabilities: persistentMemoryCapabilities,
    create: () => breaking(new MemoryPubSub({ persistent: true }), breakage),
    singleInstance: true,
    admin: ["topics", "groups", "lag", "seek", "deleteGroup"],
    limits: { patienceMs: 400, backlog: 5000 },
  };
}

function scenario(name: string): (typeof SCENARIOS)[number] {
  const found = SCENARIOS.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no scenario is called ${name}`);
  return found;
}

describe("the suite, on an adapter that", () => {
  for (const { does, scenarios, breakage } of ROWS) {
    for (const name of scenarios) {
      it(`${does}, fails ${name}`, async () => {
        await expect(runScenario(scenario(name), setupWith(typeof breakage === "function" ? breakage() : breakage))).rejects.toThrow();
      });
    }
  }
});

describe("the suite, on the same adapter unbroken,", () => {
  for (const name of new Set(ROWS.flatMap((row) => row.scenarios))) {
    it(`passes ${name}`, async () => {
      await expect(runScenario(scenario(name), { ...setupWith({}), limits: { backlog: 5000 } })).resolves.toBeUndefined();
    });
  }
});
