import { Message, type PublishError } from "millrace";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { ownBroker, type RabbitmqBroker, type TestBroker } from "../../../test/brokers/index.ts";
import { watermillCodec } from "./codec.ts";
import { culpritOf } from "./culprit.ts";
import { bareChannel, fresh, openBus, present } from "./testing/with-broker.ts";

let own: Awaited<ReturnType<typeof ownBroker>>;
beforeAll(async () => {
  own = await ownBroker("rabbitmq");
  if (!("notRun" in own)) await (own as RabbitmqBroker).control("eval", "application:set_env(rabbit, max_message_size, 100000).");
}, 60_000);
afterAll(async () => {
  if (!("notRun" in own)) await own.remove();
});

const here = (context: TestContext): RabbitmqBroker => present(context, own as TestBroker);

/** `confirmed`, or outcomes and code. */
function fateOf(publishing: Promise<void>): Promise<string> {
  return publishing.then(
    () => "confirmed",
    ({ outcomes, code, retryable }: PublishError) => `${outcomes.join()} ${code} ${retryable ? "retryable" : "for good"}`,
  );
}

async function textsIn(url: string, queue: string): Promise<string[]> {
  const channel = await bareChannel(url);
  const texts: string[] = [];
  for (;;) {
    const message = await channel.get(queue, { noAck: true });
    if (message === false) return texts.toSorted();
    texts.push(message.content.toString().slice(0, 8));
  }
}

const LARGE = new Message(new Uint8Array(150_000));
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `m${index}`).toSorted();

describe("a message that the broker does not take", () => {
  it.for(["fresh", "warm"])("fails alone on a %s channel, and its neighbours arrive, once each", async (kind, context) => {
    const { url } = here(context);
    const topic = fresh("burst");
    const bus = openBus(url);
    await bus.provision(topic, { group: "g" });
    if (kind === "warm") await bus.publish(topic, new Message("warm"));
    const publish = (message: Message): Promise<string> => fateOf(bus.publish(topic, message));
    const before = Array.from({ length: 200 }, (_, index) => publish(new Message(`m${index}`)));
    const large = publish(LARGE);
    const after = Array.from({ length: 200 }, (_, index) => publish(new Message(`m${200 + index}`)));
    expect(await large).toBe("rejected MESSAGE_TOO_LARGE for good");
    expect(new Set(await Promise.all([...before, ...after]))).toEqual(new Set(["confirmed"]));
    expect(await textsIn(url, `${topic}_g`)).toEqual(kind === "warm" ? [...names(400), "warm"] : names(400));
  });

  it("fails alone as the first of a burst on a fresh channel too, and in one call stops what is behind it", async (context) => {
    const { url } = here(context);
    const topic = fresh("first");
    const bus = openBus(url);
    await bus.provision(topic, { group: "g" });
    const large = fateOf(bus.publish(topic, LARGE));
    const call = fateOf(bus.publish(topic, [new Message("m0"), LARGE, new Message("never")]));
    expect([await large, await call]).toEqual(["rejected MESSAGE_TOO_LARGE for good", "confirmed,rejected,rejected MESSAGE_TOO_LARGE for good"]);
    expect(await textsIn(url, `${topic}_g`)).toEqual(["m0"]);
  });

  it("is known by what the broker names, and those that were with it are unknown, to be tried again", async (context) => {
    const { url } = here(context);
    const topic = fresh("expiring");
    const plain = watermillCodec();
    const codec = {
      ...plain,
      encode: (message: Message) => {
        const { content, properties } = plain.encode(message);
        return { content, properties: message.text() === "bad" ? { ...properties, expiration: "soon" } : properties };
      },
    };
    const bus = openBus(url, { codec });
    await bus.provision(topic, { group: "g" });
    await bus.publish(topic, new Message("warm"));
    const good = Array.from({ length: 50 }, (_, index) => fateOf(bus.publish(topic, new Message(`m${index}`))));
    expect(await fateOf(bus.publish(topic, new Message("bad")))).toBe("rejected MESSAGE_REFUSED for good");
    const fates = await Promise.all(good);
    expect(fates.filter((fate) => fate !== "confirmed" && fate !== "unknown CONNECTION_LOST retryable")).toEqual([]);
    const arrived = await textsIn(url, `${topic}_g`);
    for (const [index, fate] of fates.entries()) if (fate === "confirmed") expect(arrived).toContain(`m${index}`);
  });

  it("is rejected where its exchange is not there, each of a burst by itself", async (context) => {
    const { url } = here(context);
    const topic = fresh("nowhere");
    const bus = openBus(url, { provision: "off" });
    const fates = await Promise.all(Array.from({ length: 5 }, (_, index) => fateOf(bus.publish(topic, new Message(`m${index}`)))));
    expect(new Set(fates)).toEqual(new Set(["rejected TOPIC_MISSING for good"]));
  });

  it("says nothing of those that may be in their queue when an exchange is deleted in the middle", async (context) => {
    const { url } = here(context);
    const topic = fresh("deleted");
    const bus = openBus(url, { provision: "off" });
    await openBus(url).provision(topic, { group: "g" });
    const channel = await bareChannel(url);
    const texts = names(2_000);
    const fates: Promise<string>[] = [];
    for (const text of texts) {
      fates.push(fateOf(bus.publish(topic, new Message(text))));
      if (fates.length === 1_000) await channel.deleteExchange(topic);
    }
    const done = await Promise.all(fates);
    const arrived = new Set(await textsIn(url, `${topic}_g`));
    const there = texts.filter((text, index) => done[index]?.startsWith("rejected") && arrived.has(text));
    expect(there).toEqual([]);
  });
});

describe("the culprit", () => {
  const reply = (message: string): Error => Object.assign(new Error(`Channel closed by server: ${message}`), { classId: 60, methodId: 40 });
  const sent = (exchange: string, bytes = 1, properties: object = {}) => ({ exchange, content: Buffer.alloc(bytes), properties });

  it("is the only one that was under way, for whatever reason", () => {
    const only = sent("a");
    expect(culpritOf(reply("something new"), [only])).toBe(only);
    expect(culpritOf(reply("something new"), [only, sent("a")])).toBeUndefined();
  });

  it("is the first of the size, the expiration, the user that the broker names", () => {
    const all = [sent("a", 5), sent("a", 7), sent("a", 7, { expiration: "x" }), sent("a", 5, { userId: "eve" })];
    expect(culpritOf(reply("PRECONDITION_FAILED - message size 7 is larger than configured max size 6"), all)).toBe(all[1]);
    expect(culpritOf(reply("PRECONDITION_FAILED - invalid expiration 'x': {leftover_string,\"x\"}"), all)).toBe(all[2]);
    expect(culpritOf(reply("PRECONDITION_FAILED - user_id property set to 'eve' but authenticated user was 'guest'"), all)).toBe(all[3]);
  });

  it("is the only one to the exchange that the broker names, and nobody where there are two", () => {
    const all = [sent("a"), sent("b"), sent("b")];
    expect(culpritOf(reply("NOT_FOUND - no exchange 'a' in vhost '/'"), all)).toBe(all[0]);
    expect(culpritOf(reply("NOT_FOUND - no exchange 'b' in vhost '/'"), all)).toBeUndefined();
  });

  it("is nobody when the channel ended for something else", () => {
    expect(culpritOf(new Error("the connection was closed"), [sent("a")])).toBeUndefined();
    expect(culpritOf(undefined, [sent("a")])).toBeUndefined();
  });
});
