import { existsSync } from "node:fs";
import { type Capabilities, Message, MillraceError, OptionError, PublishError, type Publisher, type PubSub, silentLogger } from "millrace";
import { publishWithinDelay } from "millrace/adapter";
import { DelayingPublisher } from "millrace/delay";
import { describe, expect, it } from "vitest";
import { until } from "../../../test/until.ts";
import { capabilities } from "./capabilities.ts";
import { SqlPubSub } from "./pub-sub.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();

interface Arrival {
  readonly topic: string;
  readonly message: Message;
  /** How long after it was due; `undefined` for one that had no delay. */
  readonly lateMs: number | undefined;
}

/** A broker without delays, or with delays up to a limit. It takes what it is not told to refuse, and writes it down. */
class Target implements Publisher {
  readonly capabilities: Capabilities;
  readonly got: Arrival[] = [];
  readonly calls: string[] = [];
  refuses: (topic: string, message: Message) => Error | undefined = () => undefined;

  constructor(maxPublishDelayMs = 0) {
    this.capabilities = { ...capabilities, maxPublishDelayMs };
  }

  publish(topic: string, given: Message | readonly Message[]): Promise<void> {
    const list = Array.isArray(given) ? (given as readonly Message[]) : [given as Message];
    this.calls.push(`${topic} ${list.length}`);
    return publishWithinDelay("Target", list, this.capabilities.maxPublishDelayMs, async (messages) => {
      for (const [index, message] of messages.entries()) {
        const cause = this.refuses(topic, message);
        if (cause !== undefined) {
          const outcomes = messages.map((_, at) => (at < index ? ("confirmed" as const) : ("rejected" as const)));
          throw new PublishError(cause.message, { code: "REFUSED", cause, outcomes });
        }
        const lateMs = message.dueAt === undefined ? undefined : Date.now() - message.dueAt.getTime();
        this.got.push({ topic, message, lateMs });
      }
    });
  }

  get texts(): string[] {
    return this.got.map(({ message }) => message.text());
  }

  close(): Promise<void> {
    return Promise.reject(new Error("it is not the delaying publisher's to close"));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function delaying(publisher: Publisher, store: PubSub = file.open()): DelayingPublisher {
  const made = new DelayingPublisher({ publisher, store, logger: silentLogger });
  file.onEnd(() => made.close());
  return made;
}

async function failureOf(publishing: Promise<void>): Promise<PublishError> {
  return await publishing.then(
    () => Promise.reject(new Error("it was confirmed")),
    (error: unknown) => error as PublishError,
  );
}

describe("DelayingPublisher", () => {
  it("publishes a message to its topic when it is due, as it was, and lets pass at once what is", async () => {
    const target = new Target();
    const publisher = delaying(target);
    const dueAt = new Date(Date.now() + 500);
    await publisher.publish("orders", [
      new Message("later", { id: "m", key: "k", metadata: { a: "b" }, deliverAt: dueAt }),
      new Message("now"),
      new Message("past", { delayMs: 0 }),
    ]);
    expect(target.texts).toEqual(["now", "past"]);
    await until(() => target.got.length === 3, "it is relayed");
    const { topic, message, lateMs } = target.got[2] as Arrival;
    expect(topic).toBe("orders");
    expect(message).toMatchObject({ id: "m", key: "k", dueAt });
    expect(message.metadata.get("a")).toBe("b");
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThan(1_000);
  });

  it("parks only what the publisher cannot hold back by itself", async () => {
    const target = new Target(10_000);
    const publisher = delaying(target);
    await publisher.publish("t", [new Message("short", { delayMs: 5_000 }), new Message("long", { delayMs: 60_000 })]);
    expect(target.texts).toEqual(["short"]);
    expect(file.connect().prepare("SELECT count(*) AS n FROM millrace_delayed WHERE topic = 'millrace.delayed'").get()).toEqual({ n: 1 });
    expect(publisher.capabilities).toMatchObject({ maxPublishDelayMs: Number.POSITIVE_INFINITY, durable: true });
  });

  it("asks the publisher in one call for what it can take, and passes its errors through", async () => {
    const target = new Target();
    const publisher = delaying(target);
    await publisher.publish("t", [new Message("1"), new Message("2")]);
    await publisher.publish("t", new Message("3"));
    expect(target.calls).toEqual(["t 2", "t 1"]);
    target.refuses = () => new Error("full");
    expect(await failureOf(publisher.publish("t", new Message("4")))).toMatchObject({ code: "REFUSED", outcomes: ["rejected"], message: "full" });
  });

  it("tells by position what became of a call that goes both ways, and sends nothing behind a failure", async () => {
    const target = new Target();
    const publisher = delaying(target);
    const unreadable = new Message("x", { metadata: { _watermill_delayed_until: "soon" } });
    const parked = (): unknown => file.connect().prepare("SELECT count(*) AS n FROM millrace_delayed").get();
    const later = (): Message => new Message("later", { delayMs: 60_000 });
    const error = await failureOf(publisher.publish("t", [new Message("1"), later(), unreadable, new Message("2"), later()]));
    expect(error).toMatchObject({ code: "INVALID_DELAY", outcomes: ["confirmed", "confirmed", "rejected", "rejected", "rejected"] });
    expect(target.texts).toEqual(["1"]);
    expect(parked()).toEqual({ n: 1 });
    target.refuses = (_, message) => (message.text() === "4" ? new Error("no") : undefined);
    const second = await failureOf(publisher.publish("t", [later(), new Message("3"), new Message("4"), new Message("5"), later()]));
    expect(second).toMatchObject({ code: "REFUSED", outcomes: ["confirmed", "confirmed", "rejected", "rejected", "rejected"] });
    expect(parked()).toEqual({ n: 2 });
  });

  it("parks messages as they are when publish is called", async () => {
    const target = new Target();
    const publisher = delaying(target);
    const message = new Message("x", { delayMs: 300 });
    const publishing = publisher.publish("t", [message, new Message("now")]);
    message.metadata.set("written", "too late");
    await publishing;
    await until(() => target.got.length === 2, "it is relayed");
    expect(target.got[1]?.message.metadata.has("written")).toBe(false);
  });

  it("relays what another process parked, once it is started, also where it publishes nothing", async () => {
    const first = new Target();
    const parking = delaying(first);
    await parking.publish("t", new Message("left behind", { delayMs: 400 }));
    await parking.close();
    const second = new Target();
    await delaying(second, file.open({ dialect: sqlite({ path: file.path }) })).start();
    await until(() => second.got.length === 1, "it is relayed");
    expect(second.texts).toEqual(["left behind"]);
    expect(first.texts).toEqual([]);
  });

  it("relays each message once, by one of all who share the store", async () => {
    const target = new Target();
    const all = [1, 2, 3].map(() => delaying(target, file.open({ dialect: sqlite({ path: file.path }) })));
    await Promise.all(all.map((publisher) => publisher.start()));
    const deliverAt = new Date(Date.now() + 700);
    const messages = Array.from({ length: 60 }, (_, index) => new Message(String(index), { key: `k${index % 3}`, deliverAt }));
    for (let index = 0; index < 60; index += 20) await all[0]?.publish("t", messages.slice(index, index + 20));
    await until(() => target.got.length >= 60, "all are relayed");
    await Promise.all(all.map((publisher) => publisher.close()));
    expect(new Set(target.texts).size).toBe(60);
    expect(target.got.length).toBe(60);
  });

  it("keeps the order of a key at one moment", async () => {
    const target = new Target();
    const publisher = delaying(target);
    const deliverAt = new Date(Date.now() + 500);
    for (let index = 0; index < 30; index++) await publisher.publish("t", new Message(String(index), { key: `k${index % 3}`, deliverAt }));
    await until(() => target.got.length === 30, "all are relayed");
    for (const key of ["k0", "k1", "k2"]) {
      const seen = target.got.filter(({ message }) => message.key === key).map(({ message }) => Number(message.text()));
      expect(seen).toEqual(seen.toSorted((one, other) => one - other));
    }
  });

  it("tries again what is refused when it is due, shows it, and lets others pass", async () => {
    const target = new Target();
    let refused = 0;
    target.refuses = (topic) => {
      if (topic !== "away" || refused > 2) return undefined;
      refused++;
      return new MillraceError("nobody is there", { code: "REFUSED" });
    };
    const publisher = delaying(target);
    await publisher.publish("away", new Message("1", { key: "a", delayMs: 200 }));
    await publisher.publish("t", new Message("2", { key: "b", delayMs: 300 }));
    await until(() => target.texts.includes("2"), "the other one is relayed");
    await until(() => refused > 0, "it is refused");
    expect(publisher.health().handlers["delaying-publisher"]?.lastError?.message).toMatch(/nobody is there/);
    await until(() => target.texts.includes("1"), "it is relayed in the end");
    expect(target.texts).toHaveLength(2);
  });

  it("parks again what is not due when the store gives it back, for longer delays than the store can wait", async () => {
    const target = new Target();
    const inner = file.open();
    const store: PubSub = Object.assign(Object.create(inner), {
      capabilities: { ...capabilities, maxPublishDelayMs: 200 },
      publish: (topic: string, given: Message | readonly Message[]) => {
        const list = Array.isArray(given) ? (given as readonly Message[]) : [given as Message];
        return publishWithinDelay("Store", list, 200, (messages) => inner.publish(topic, messages));
      },
      subscribe: inner.subscribe.bind(inner),
      close: () => inner.close(),
    });
    await delaying(target, store).publish("t", new Message("x", { delayMs: 900 }));
    await until(() => target.got.length === 1, "it is relayed");
    expect(target.got[0]?.lateMs).toBeGreaterThanOrEqual(0);
    expect(target.got[0]?.lateMs).toBeLessThan(1_000);
  });

  it("refuses a store that cannot hold messages back, or does not say", () => {
    const inner = file.open();
    const unable = Object.assign(Object.create(inner), { capabilities: { ...capabilities, maxPublishDelayMs: 0 } }) as PubSub;
    const silent = Object.assign(Object.create(inner), { capabilities: undefined }) as PubSub;
    for (const store of [unable, silent, undefined as never]) {
      expect(() => new DelayingPublisher({ publisher: new Target(), store })).toThrow(OptionError);
    }
    expect(() => new DelayingPublisher({ publisher: {} as never, store: inner, topic: "" })).toThrow(/publisher.*topic/s);
    expect(() => new DelayingPublisher({ publisher: new Target(), store: inner, topc: "x" } as never)).toThrow(/topc, did you mean topic/);
  });

  it("touches no store before it is started or published with", async () => {
    const publisher = delaying(new Target(), new SqlPubSub({ dialect: sqlite({ path: file.path }) }));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(existsSync(file.path)).toBe(false);
    await publisher.publish("t", new Message("x"));
    await until(() => existsSync(file.path), "the store is opened");
  });

  it("says with a code that nothing could be parked, and can be started when the store is there", async () => {
    const target = new Target();
    const inner = file.open();
    let away = true;
    const store: PubSub = Object.assign(Object.create(inner), {
      capabilities,
      publish: inner.publish.bind(inner),
      subscribe: (topic: string, options: object) =>
        away ? Promise.reject(new MillraceError("no store", { code: "DATABASE_UNREACHABLE", retryable: false })) : inner.subscribe(topic, options),
      close: () => inner.close(),
    });
    const publisher = delaying(target, store);
    await publisher.publish("t", new Message("now"));
    const error = await failureOf(publisher.publish("t", new Message("later", { delayMs: 100 })));
    expect(error).toMatchObject({ code: "DATABASE_UNREACHABLE", outcomes: ["rejected"] });
    away = false;
    await publisher.publish("t", new Message("again", { delayMs: 100 }));
    await until(() => target.texts.includes("again"), "it is relayed");
    expect(target.texts).toEqual(["now", "again"]);
  });

  it("waits at close for what is under way", async () => {
    const gate = Promise.withResolvers<void>();
    const publisher = delaying(Object.assign(new Target(), { publish: () => gate.promise }));
    let closed = false;
    const publishing = publisher.publish("t", new Message("x"));
    const closing = publisher.close().then(() => {
      closed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closed).toBe(false);
    gate.resolve();
    await Promise.all([publishing, closing]);
  });

  it("relays nothing after close, refuses everything with CLOSED, and leaves the store open", async () => {
    const target = new Target();
    const store = file.open();
    const publisher = delaying(target, store);
    await publisher.publish("t", new Message("later", { delayMs: 200 }));
    await publisher.close();
    await expect(publisher.publish("t", [new Message("x"), new Message("y")])).rejects.toMatchObject({ code: "CLOSED", outcomes: ["rejected", "rejected"] });
    await expect(publisher.start()).rejects.toMatchObject({ code: "CLOSED" });
    const database = file.connect();
    await until(() => (database.prepare("SELECT count(*) AS n FROM 'watermill_millrace.delayed'").get() as { n: number }).n === 1, "it is due");
    await store.publish("marker", new Message("the store is open"));
    expect(target.texts).toEqual([]);
  });
});
