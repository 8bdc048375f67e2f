import { existsSync } from "node:fs";
import { type AdapterModule, connect, MemoryPubSub, Message, memoryCapabilities, OptionError, type PubSub, silentLogger } from "millrace";
import { publishWithinDelay } from "millrace/adapter";
import { describe, expect, it } from "vitest";
import { takeOne } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import * as sql from "./index.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();

/** A broker without delays, and a store on SQLite, which note when they close. */
function adapters(closed: string[] = [], broker: PubSub = brokerWithoutDelays()): Record<string, () => Promise<AdapterModule>> {
  const noting = (name: string, pubsub: PubSub): PubSub => {
    const close = pubsub.close.bind(pubsub);
    return Object.assign(pubsub, {
      close: () => {
        if (!closed.includes(name)) closed.push(name);
        return close();
      },
    });
  };
  return {
    toy: () => Promise.resolve({ fromUrl: () => noting("broker", broker) }),
    sqlite: () => Promise.resolve({ fromUrl: (url, options) => noting("store", sql.fromUrl(url, options)) }),
  };
}

function brokerWithoutDelays(): PubSub {
  const inner = new MemoryPubSub({ persistent: true });
  return Object.assign(inner, {
    capabilities: { ...memoryCapabilities, maxPublishDelayMs: 0 },
    publish: (topic: string, given: Message | readonly Message[]) => {
      const list = Array.isArray(given) ? (given as readonly Message[]) : [given as Message];
      return publishWithinDelay("Broker", list, 0, (messages) => MemoryPubSub.prototype.publish.call(inner, topic, messages));
    },
  });
}

const options = (): { logger: typeof silentLogger; delays: string } => ({ logger: silentLogger, delays: `sqlite:${file.path}` });

describe("connect with delays", () => {
  it("delivers a delayed message when it is due, on a broker that cannot hold it back", async () => {
    const bus = await connect("toy:", adapters(), options());
    expect(bus.capabilities?.maxPublishDelayMs).toBe(Number.POSITIVE_INFINITY);
    await bus.provision?.("t", { group: "g" });
    await bus.publish("t", [new Message("later", { delayMs: 400 }), new Message("now")]);
    const subscription = await bus.subscribe("t", { group: "g" });
    const now = await takeOne(subscription);
    expect(now.text()).toBe("now");
    now.ack();
    const later = await takeOne(subscription);
    expect(later.text()).toBe("later");
    const late = Date.now() - (later.dueAt as Date).getTime();
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(1_000);
    later.ack();
    await bus.close();
  });

  it("relays what an earlier process left in the store, before anything is published or subscribed to", async () => {
    const first = await connect("toy:", adapters(), options());
    await first.publish("t", new Message("left behind", { delayMs: 400 }));
    await first.close();
    const broker = brokerWithoutDelays();
    const subscription = await broker.subscribe("t", { group: "g", from: "earliest" });
    const second = await connect("toy:", adapters([], broker), options());
    const message = await takeOne(subscription);
    expect(message.text()).toBe("left behind");
    message.ack();
    await second.close();
  });

  it("closes the broker, then the store; disposing gives back at once and closes both", async () => {
    for (const end of ["close", Symbol.asyncDispose] as const) {
      const closed: string[] = [];
      const bus = await connect("toy:", adapters(closed), options());
      await bus.subscribe("t", { group: "g" });
      await bus[end]();
      expect(closed).toEqual(["broker", "store"]);
      await expect(bus.publish("t", new Message("x"))).rejects.toMatchObject({ code: "CLOSED" });
    }
  });

  it("opens no store where none is named, and passes what the broker says of itself", async () => {
    const broker = brokerWithoutDelays();
    expect(await connect("toy:", adapters([], broker))).toBe(broker);
    const bus = await connect("toy:", adapters([], broker), options());
    expect(bus.admin).toBe(broker.admin);
    expect("provision" in bus).toBe(true);
    await bus.close();
    const bare = Object.assign(brokerWithoutDelays(), { provision: undefined });
    const without = await connect("toy:", adapters([], bare), options());
    expect(without.provision).toBeUndefined();
    await without.close();
  });

  it("refuses a store of no known scheme, or that cannot hold messages back, and closes what it has opened", async () => {
    for (const [delays, code] of [
      ["nowhere:x", "UNKNOWN_SCHEME"],
      ["toy:", "BAD_OPTION"],
    ] as const) {
      const closed: string[] = [];
      const refusal = connect("toy:", adapters(closed), { ...options(), delays });
      await expect(refusal).rejects.toBeInstanceOf(OptionError);
      await expect(refusal).rejects.toMatchObject({ code });
      expect(closed).toEqual(["broker"]);
    }
    expect(existsSync(file.path)).toBe(false);
  });

  it("refuses an option that it does not know, before anything is opened", async () => {
    await expect(connect("toy:", adapters(), { delay: "sqlite:x" } as never)).rejects.toThrow(/unknown option delay, did you mean delays/);
  });

  it("fails, and closes everything, when the store cannot be opened", async () => {
    const closed: string[] = [];
    await expect(connect("toy:", adapters(closed), { ...options(), delays: "sqlite:/nowhere/at/all.db" })).rejects.toMatchObject({
      code: "DATABASE_UNREACHABLE",
    });
    expect(closed.toSorted()).toEqual(["broker", "store"]);
  });

  it("uses the store beyond the limit of a broker alone that can hold messages back for a while", async () => {
    const held: string[] = [];
    const broker = Object.assign(brokerWithoutDelays(), {
      capabilities: { ...memoryCapabilities, maxPublishDelayMs: 10_000 },
      publish: async (_: string, message: Message) => void held.push(message.text()),
    });
    const bus = await connect("toy:", adapters([], broker), options());
    await bus.publish("t", new Message("by the broker", { delayMs: 5_000 }));
    await bus.publish("t", new Message("by the store", { delayMs: 60_000 }));
    expect(held).toEqual(["by the broker"]);
    const database = file.connect();
    await until(() => (database.prepare("SELECT count(*) AS n FROM millrace_delayed").get() as { n: number }).n === 1, "the other one is in the store");
    await bus.close();
  });
});
