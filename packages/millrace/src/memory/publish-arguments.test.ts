import { describe, expect, it } from "vitest";
import { OptionError } from "../errors/index.ts";
import { silentLogger } from "../logger/index.ts";
import { Message, type PublishOptions } from "../message/index.ts";
import { collect, texts } from "./collect.fixture.ts";
import { MemoryPubSub } from "./index.ts";

const good = new Message("x");
const holes: unknown[] = [];
holes[1] = good;
holes[3] = good;
const foreign = (part: object): unknown => ({ id: "f", key: undefined, payload: new Uint8Array(1), metadata: new Map(), copy: () => good, ...part });

const CALLS: readonly { readonly name: string; readonly topic?: unknown; readonly messages: unknown; readonly problem: RegExp }[] = [
  { name: "undefined", messages: undefined, problem: /^messages\[0\] must be a Message, got / },
  { name: "null", messages: null, problem: /^messages\[0\] must be a Message, got / },
  { name: "a text", messages: "x", problem: /^messages\[0\] must be a Message, got / },
  { name: "bytes", messages: new Uint8Array(1), problem: /^messages\[0\] must be a Message, got / },
  { name: "{}", messages: {}, problem: /^messages\[0\] must be a Message, got / },
  { name: "a payload alone", messages: { payload: new Uint8Array(1) }, problem: /^messages\[0\] must be a Message, got / },
  { name: "a payload of another type", messages: foreign({ payload: "x" }), problem: /^messages\[0\] must be a Message, got / },
  { name: "a set", messages: new Set([good]), problem: /^messages\[0\] must be a Message, got / },
  { name: "a list with null", messages: [good, null], problem: /^messages\[1\] must be a Message, got / },
  { name: "a list with {}", messages: [good, good, {}], problem: /^messages\[2\] must be a Message, got / },
  { name: "a list with holes", messages: holes, problem: /^messages\[0\] must be a Message, got / },
  { name: "a list in a list", messages: [[good]], problem: /^messages\[0\] must be a Message, got / },
  { name: "metadata that are no texts", messages: foreign({ metadata: new Map([["a", 1]]) }), problem: /^messages\[0\] cannot be read: .*must be a string/ },
  { name: "a list with such metadata", messages: [good, foreign({ metadata: [["a", 1]], size: 1 })], problem: /^messages\[1\] cannot be read/ },
  { name: "an empty topic", topic: "", messages: good, problem: /^topic must be a text/ },
  { name: "no topic", topic: null, messages: good, problem: /^topic is missing$/ },
  { name: "a topic that is no text", topic: 5, messages: good, problem: /^topic must be a text/ },
];

/** One state of the topic after the other: publish takes another way through the code in each. */
const STATES: readonly { readonly name: string; make(): Promise<MemoryPubSub>; readonly options?: PublishOptions }[] = [
  { name: "with a subscriber", make: () => subscribed({}) },
  { name: "without a subscriber", make: async () => new MemoryPubSub({ logger: silentLogger }) },
  { name: "with a signal", make: () => subscribed({}), options: { signal: new AbortController().signal } },
  { name: "waiting for acks", make: () => subscribed({ blockPublishUntilAck: true }) },
  {
    name: "full",
    make: async () => {
      const bus = await subscribed({ bufferSize: 1 });
      await bus.publish("t", good);
      return bus;
    },
  },
  { name: "persistent", make: () => subscribed({ persistent: true }) },
];

async function subscribed(options: object): Promise<MemoryPubSub> {
  const bus = new MemoryPubSub({ ...options, logger: silentLogger });
  await bus.subscribe("t");
  return bus;
}

describe.each(STATES)("publish to a topic $name", ({ make, options }) => {
  it.each(CALLS)("rejects what is no message or no topic with an OptionError, and never throws: $name", async ({ topic = "t", messages, problem }) => {
    await using bus = await make();
    const before = (await bus.admin.topics?.())?.length;
    const publishing = bus.publish(topic as string, messages as Message, options);
    expect(publishing).toBeInstanceOf(Promise);
    const error = (await publishing.catch((thrown: unknown) => thrown)) as OptionError;
    expect(error).toBeInstanceOf(OptionError);
    expect(error.code).toBe("BAD_OPTION");
    expect(error.problems[0]).toMatch(problem);
    expect((await bus.admin.topics?.())?.length).toBe(before);
  });
});

it("publishes nothing of a list in which one message is none", async () => {
  await using bus = new MemoryPubSub({ logger: silentLogger });
  const subscription = await bus.subscribe("t");
  await expect(bus.publish("t", [good, foreign({ metadata: [["a", 1]], size: 1 }) as Message])).rejects.toBeInstanceOf(OptionError);
  await bus.publish("t", new Message("next"));
  expect(await texts(subscription, 1)).toEqual(["next"]);
});

it("takes messages of another copy of the library, and of adapters", async () => {
  await using bus = new MemoryPubSub({ logger: silentLogger });
  const subscription = await bus.subscribe("t");
  const other = foreign({ key: "k", payload: new TextEncoder().encode("y"), metadata: new Map([["a", "1"]]) }) as Message;
  await bus.publish("t", other);
  await bus.publish("t", [other]);
  for (const message of await collect(subscription, 2)) {
    expect([message.id, message.key, message.text(), [...message.metadata]]).toEqual(["f", "k", "y", [["a", "1"]]]);
  }
});

describe("the snapshot of what is published", () => {
  it("is taken when publish is called, also where the message waits for room", async () => {
    await using bus = new MemoryPubSub({ bufferSize: 1, logger: silentLogger });
    const subscription = await bus.subscribe("t");
    const waiting = [new Message("2", { metadata: { a: "then" } }), new Message("3")];
    await bus.publish("t", new Message("1"));
    const publishing = bus.publish("t", waiting);
    for (const message of waiting) message.metadata.set("a", "later");
    const [, second, third] = await collect(subscription, 3);
    await publishing;
    expect([second?.metadata.get("a"), third?.metadata.get("a")]).toEqual(["then", undefined]);
  });

  it("is taken when publish is called, also where a long list needs several turns of the event loop", async () => {
    await using bus = new MemoryPubSub({ persistent: true, logger: silentLogger });
    const messages = Array.from({ length: 200_000 }, (_, index) => new Message(String(index)));
    const last = messages.slice(-2);
    last[0]?.metadata.set("a", "then");
    const publishing = bus.publish("t", messages);
    for (const message of last) message.metadata.set("a", "later");
    await publishing;
    const received = await collect(await bus.subscribe("t", { from: { position: "199999" } }), 2);
    expect(received.map((message) => message.metadata.get("a"))).toEqual(["then", undefined]);
  });
});
