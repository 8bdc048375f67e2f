import { describe, expect, it } from "vitest";
import { publishWithinDelay } from "../adapter/index.ts";
import { PublishError } from "../errors/index.ts";
import { MemoryPubSub, persistentMemoryCapabilities } from "../memory/index.ts";
import { DELAYED_FOR_KEY, DELAYED_UNTIL_KEY } from "../message/delay-keys.ts";
import { Message, metadata } from "../message/index.ts";
import { runScenario } from "./conformance.ts";
import type { ConformanceSetup } from "./conformance-setup.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { type Breakage, breaking } from "./testdata/breaking.ts";

interface Row {
  readonly does: string;
  readonly scenarios: readonly string[];
  readonly breakage: Breakage;
}

const isDelayed = ({ dueAt }: Message): boolean => dueAt !== undefined && dueAt.getTime() > Date.now();
const without = (message: Message): readonly (readonly [string, string])[] =>
  [...message.metadata].filter(([name]) => name !== DELAYED_FOR_KEY && name !== DELAYED_UNTIL_KEY);
const undelayed = (message: Message): Message => new Message(message.payload, { id: message.id, key: message.key, metadata: without(message) });
const shifted = (message: Message, byMs: number): Message =>
  isDelayed(message) ? message.copy({ deliverAt: new Date((message.dueAt as Date).getTime() + byMs) }) : message;

/** An adapter that publishes something else than it was given. */
const publishing = (change: (message: Message, list: readonly Message[]) => Message | readonly Message[]): Breakage => ({
  publish: (inner, topic, list, options) =>
    inner.publish(
      topic,
      list.flatMap((message) => change(message, list)),
      options,
    ),
});

const HOLDING: readonly Row[] = [
  {
    does: "delivers delayed messages at once",
    scenarios: ["held-back-until-due", "held-back-by-the-thousand", "held-back-holds-nobody-up", "held-back-unchanged"],
    breakage: publishing((message) => (isDelayed(message) ? undelayed(message) : message)),
  },
  {
    does: "delivers them a little early",
    scenarios: ["held-back-until-due", "held-back-by-the-thousand", "held-back-unchanged"],
    breakage: publishing((message) => shifted(message, -100)),
  },
  {
    does: "delivers them long after they are due",
    scenarios: ["held-back-until-due", "held-back-by-the-thousand", "held-back-unchanged"],
    breakage: publishing((message) => shifted(message, 10_000)),
  },
  {
    does: "drops them",
    scenarios: ["held-back-until-due", "held-back-by-the-thousand", "held-back-holds-nobody-up", "held-back-unchanged"],
    breakage: publishing((message) => (isDelayed(message) ? [] : message)),
  },
  {
    does: "drops one of a thousand",
    scenarios: ["held-back-by-the-thousand"],
    breakage: publishing((message, list) => (message === list[417] ? [] : message)),
  },
  {
    does: "delivers them twice",
    scenarios: ["held-back-until-due", "held-back-by-the-thousand"],
    breakage: publishing((message) => (isDelayed(message) ? [message, message] : message)),
  },
  {
    does: "holds back everything behind them",
    scenarios: ["held-back-holds-nobody-up"],
    breakage: publishing((message, list) => message.copy({ deliverAt: list.slice(0, list.indexOf(message) + 1).findLast(isDelayed)?.dueAt })),
  },
  {
    does: "delivers them without their metadata",
    scenarios: ["held-back-unchanged"],
    breakage: { message: (message) => ({ metadata: metadata(without(message)) }) },
  },
  {
    does: "loses their key",
    scenarios: ["held-back-unchanged"],
    breakage: publishing((message) => message.copy({ key: undefined })),
  },
  {
    does: "forgets what is overdue",
    scenarios: ["due-passes-at-once"],
    breakage: publishing((message) => (message.dueAt === undefined ? message : [])),
  },
];

/** One that has no delays, and refuses what is not due. */
const REFUSING: Breakage = {
  publish: (inner, topic, list, options) => publishWithinDelay("Refusing", list, 0, (some) => inner.publish(topic, some, options)),
};

const refusal = (text: string, code: string, outcomes: PublishError["outcomes"]): Promise<never> => Promise.reject(new PublishError(text, { code, outcomes }));
const CURE = "put a DelayingPublisher before it, or give connect its option delays";

const WITHOUT: readonly Row[] = [
  {
    does: "delivers at once what it cannot hold back",
    scenarios: ["longer-delay-is-refused"],
    breakage: publishing((message) => (isDelayed(message) ? undelayed(message) : message)),
  },
  {
    does: "sends what is behind a message that it refuses",
    scenarios: ["longer-delay-is-refused"],
    breakage: {
      publish: async (inner, topic, list, options) => {
        await inner.publish(
          topic,
          list.filter((message) => !isDelayed(message)),
          options,
        );
        if (list.some(isDelayed))
          await refusal(
            CURE,
            "DELAY_UNSUPPORTED",
            list.map((message) => (isDelayed(message) ? "rejected" : "confirmed")),
          );
      },
    },
  },
  {
    does: "sends the message that it refuses, at once",
    scenarios: ["longer-delay-is-refused"],
    breakage: {
      publish: async (inner, topic, list, options) => {
        await inner.publish(topic, list.map(undelayed), options);
        const first = list.findIndex(isDelayed);
        if (first !== -1)
          await refusal(
            CURE,
            "DELAY_UNSUPPORTED",
            list.map((_, index) => (index < first ? "confirmed" : "rejected")),
          );
      },
    },
  },
  {
    does: "refuses it with another code",
    scenarios: ["longer-delay-is-refused"],
    breakage: {
      publish: (inner, topic, list, options) =>
        list.some(isDelayed)
          ? refusal(
              CURE,
              "UNENCODABLE",
              list.map(() => "rejected"),
            )
          : inner.publish(topic, list, options),
    },
  },
  {
    does: "does not say what helps",
    scenarios: ["longer-delay-is-refused"],
    breakage: {
      publish: (inner, topic, list, options) =>
        list.some(isDelayed)
          ? refusal(
              "no",
              "DELAY_UNSUPPORTED",
              list.map(() => "rejected"),
            )
          : inner.publish(topic, list, options),
    },
  },
  {
    does: "says that it does not know what became of it",
    scenarios: ["longer-delay-is-refused"],
    breakage: {
      publish: (inner, topic, list, options) =>
        list.some(isDelayed)
          ? refusal(
              CURE,
              "DELAY_UNSUPPORTED",
              list.map(() => "unknown"),
            )
          : inner.publish(topic, list, options),
    },
  },
  {
    does: "refuses what is due, too",
    scenarios: ["due-passes-at-once"],
    breakage: {
      publish: (inner, topic, list, options) =>
        list.some(({ dueAt }) => dueAt !== undefined)
          ? refusal(
              CURE,
              "DELAY_UNSUPPORTED",
              list.map(() => "rejected"),
            )
          : inner.publish(topic, list, options),
    },
  },
];

function setupWith(breakage: Breakage, maxPublishDelayMs: number, patienceMs?: number): ConformanceSetup {
  return {
    name: "a broken adapter",
    capabilities: { ...persistentMemoryCapabilities, maxPublishDelayMs },
    create: () => breaking(new MemoryPubSub({ persistent: true }), breakage),
    singleInstance: true,
    limits: { patienceMs },
  };
}

function scenario(name: string): (typeof SCENARIOS)[number] {
  const found = SCENARIOS.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no scenario is called ${name}`);
  return found;
}

// Most of their time they wait.
describe.concurrent.each([
  { kind: "holds messages back", rows: HOLDING, sound: {}, limitMs: Number.POSITIVE_INFINITY },
  { kind: "has no delays", rows: WITHOUT, sound: REFUSING, limitMs: 0 },
])("the suite, on an adapter that $kind and", ({ rows, sound, limitMs }) => {
  for (const { does, scenarios, breakage } of rows) {
    for (const name of scenarios) {
      it(`${does}, fails ${name}`, async () => {
        await expect(runScenario(scenario(name), setupWith(breakage, limitMs, 400))).rejects.toThrow();
      });
    }
  }

  for (const name of new Set(rows.flatMap((row) => row.scenarios))) {
    it(`is sound, passes ${name}`, async () => {
      await expect(runScenario(scenario(name), setupWith(sound, limitMs))).resolves.toBeUndefined();
    });
  }
});
