import { describe, expect, it, vi } from "vitest";
import { MillraceError } from "../../errors/index.ts";
import { deferred } from "../../internal/deferred.ts";
import { type BrokerAdmin, type Capabilities, Message } from "../../message/index.ts";
import { HandSource, nextOf } from "../hand-source.fixture.ts";
import { PubSubShell } from "./pub-sub-shell.ts";
import { PublisherShell } from "./publisher-shell.ts";
import { type SubscriberParts, SubscriberShell } from "./subscriber-shell.ts";

const capabilities = Object.freeze({ durable: true }) as Capabilities;

/** What happened, in order, and two sides that note it there. */
function sides(parts: Partial<SubscriberParts> = {}) {
  const log: string[] = [];
  const note = (what: string) => async (): Promise<void> => {
    log.push(what);
  };
  const source = new HandSource();
  const subscriber = new SubscriberShell<unknown>("XSubscriber", {
    capabilities,
    reading: () => ({ source, settings: { adapter: "x" }, onClosed: note("subscription closed") }),
    provision: note("provisioned"),
    close: note("reading ended"),
    ...parts,
  });
  const publish = vi.fn(async () => {});
  const publisher = new PublisherShell({ capabilities, calls: { publish, close: note("calls ended") }, close: note("publishing ended") });
  const bus = new PubSubShell({ capabilities, publisher, subscriber, close: note("rest ended") });
  return { log, source, subscriber, publisher, bus, publish };
}

describe("a subscriber's shell", () => {
  it("checks what every broker refuses, then what this one does, before it reads", async () => {
    const check = vi.fn((topic: string) => {
      if (topic === "odd") throw new MillraceError("no such place", { code: "BAD_TOPIC" });
    });
    const { subscriber, source, log } = sides({ check });
    await expect(subscriber.subscribe("")).rejects.toMatchObject({ code: "BAD_OPTION" });
    expect(check).not.toHaveBeenCalled();
    await expect(subscriber.subscribe("odd")).rejects.toMatchObject({ code: "BAD_TOPIC" });
    await expect(subscriber.provision("odd")).rejects.toMatchObject({ code: "BAD_TOPIC" });
    expect([source.sessions.length, log]).toEqual([0, []]);
  });

  it("refuses a beginning and a reading that the capabilities do not promise, and leaves the words to an adapter that has its own", async () => {
    const none = Object.freeze({ replay: false, groupless: false }) as Capabilities;
    const { subscriber, source } = sides({ capabilities: none });
    for (const from of ["earliest", { time: new Date() }, { position: "1" }] as const) {
      for (const refused of [subscriber.subscribe("t", { group: "g", from }), subscriber.provision("t", { group: "g", from })]) {
        await expect(refused).rejects.toThrow('XSubscriber.subscribe: from can only be "latest": this broker keeps nothing older');
      }
    }
    await expect(subscriber.subscribe("t")).rejects.toThrow("XSubscriber.subscribe: group is missing: this broker has no reading without one");
    expect(source.sessions).toHaveLength(0);
    await subscriber.provision("t");
    await subscriber.subscribe("t", { group: "g", from: "latest" });
    const check = (): never => {
      throw new MillraceError("ours", { code: "OURS" });
    };
    await expect(sides({ capabilities: none, check }).subscriber.subscribe("t", { from: "earliest" })).rejects.toThrow("ours");
    await subscriber.close();
  });

  it("ends what is open, then the connections, once, and refuses what comes then", async () => {
    const { subscriber, log } = sides();
    await subscriber.provision("t", { group: "g" });
    const subscription = await subscriber.subscribe("t", { group: "g" });
    const closing = subscriber.close();
    expect(subscriber.close()).toBe(closing);
    await expect(subscriber.subscribe("t")).rejects.toMatchObject({ code: "CLOSED" });
    await expect(subscriber.provision("t")).rejects.toMatchObject({ code: "CLOSED" });
    await closing;
    expect(subscription.status().state).toBe("stopped");
    expect(log).toEqual(["provisioned", "subscription closed", "reading ended"]);
  });

  it("tells once of a subscription that ends while it is being made", async () => {
    const { subscriber, source, log } = sides();
    Object.assign(source, { open: () => new Promise(() => {}) });
    const subscribing = subscriber.subscribe("t");
    const refused = expect(subscribing).rejects.toMatchObject({ code: "CLOSED" });
    await subscriber.close();
    await refused;
    expect(log).toEqual(["subscription closed", "reading ended"]);
  });

  it("gives back what is in hand when it is disposed of", async () => {
    const { subscriber, source, log } = sides();
    const subscription = await subscriber.subscribe("t");
    source.session.deliver("a");
    const { value } = await subscription[Symbol.asyncIterator]().next();
    await subscriber[Symbol.asyncDispose]();
    expect(value.ack()).toBe(false);
    expect(log).toEqual(["subscription closed", "reading ended"]);
  });

  it("gives the adapter the options, names its class in what it refuses, and waits for what is made", async () => {
    const made = deferred<void>();
    const reading = vi.fn((_topic: string, _options: unknown) => ({ source, settings: { adapter: "x" } }));
    const provision = vi.fn(() => made.promise);
    const { subscriber, source } = sides({ reading: (topic, options) => reading(topic, options), provision });
    const options = { group: "g", maxInFlight: 3, from: "latest" } as const;
    const subscription = await subscriber.subscribe("t", options);
    expect(reading.mock.lastCall).toEqual(["t", options]);
    source.session.deliver("a");
    expect((await nextOf(subscription[Symbol.asyncIterator]())).delivery.group).toBe("g");
    await expect(subscriber.subscribe("t", { maxInFlight: 0 })).rejects.toThrow("XSubscriber.subscribe");
    const provisioned = subscriber.provision("t", options);
    expect(provision.mock.lastCall).toEqual(["t", options]);
    made.reject(new Error("not made"));
    await expect(provisioned).rejects.toThrow("not made");
    await subscriber[Symbol.asyncDispose]();
  });

  it("ends the connections also when what is open cannot end well", async () => {
    const { subscriber, log } = sides();
    const subscription = await subscriber.subscribe("t");
    vi.spyOn(subscription, "drain").mockRejectedValue(new Error("stuck"));
    await expect(subscriber.close()).rejects.toThrow("stuck");
    expect(log).toEqual(["reading ended"]);
  });

  it("shows the questions that the adapter answers, and asks them with arguments that are right, while it is open", async () => {
    const lag = vi.fn(async () => ({ messages: 3 }));
    const { subscriber } = sides({ admin: { lag } satisfies BrokerAdmin });
    const { admin } = subscriber;
    expect(Object.keys(admin ?? {})).toEqual(["lag"]);
    expect(sides().subscriber.admin).toBeUndefined();
    await expect(admin?.lag?.("t", "")).rejects.toMatchObject({ code: "BAD_OPTION", message: expect.stringContaining("XSubscriber.admin.lag") });
    expect(await admin?.lag?.("t", "g")).toEqual({ messages: 3 });
    expect(lag).toHaveBeenCalledExactlyOnceWith("t", "g");
    await subscriber.close();
    await expect(admin?.lag?.("t", "g")).rejects.toMatchObject({ code: "CLOSED" });
  });

  it.each([
    ["topics", [], undefined],
    ["groups", ["t"], [""]],
    ["lag", ["t", "g"], ["t", ""]],
    ["seek", ["t", "g", "latest"], ["t", "g", "yesterday"]],
    ["seek", ["t", "g", "latest"], ["t", "", "latest"]],
    ["deleteGroup", ["t", "g"], ["t", ""]],
  ] as const)("asks %s with its arguments, not with wrong ones, and not when it is closed", async (question, right, wrong) => {
    const asked = vi.fn(async () => "answer");
    const { subscriber } = sides({ admin: { [question]: asked } as BrokerAdmin });
    const ask = subscriber.admin?.[question] as (...given: readonly unknown[]) => Promise<unknown>;
    await ask(...right);
    if (wrong !== undefined) await expect(ask(...wrong)).rejects.toMatchObject({ code: "BAD_OPTION" });
    expect(asked).toHaveBeenCalledExactlyOnceWith(...right);
    await subscriber.close();
    await expect(ask(...right)).rejects.toMatchObject({ code: "CLOSED" });
    expect(asked).toHaveBeenCalledTimes(1);
  });
});

describe("a publisher's shell", () => {
  it("passes calls on, and ends them before its connections, once", async () => {
    const { publisher, publish, log } = sides();
    const message = new Message("a");
    await publisher.publish("t", message);
    expect(publish).toHaveBeenCalledExactlyOnceWith("t", message, undefined);
    expect(publisher.capabilities).toBe(capabilities);
    const closing = publisher.close();
    expect(publisher.close()).toBe(closing);
    await publisher[Symbol.asyncDispose]();
    expect(log).toEqual(["calls ended", "publishing ended"]);
  });

  it.each(["close", Symbol.asyncDispose] as const)("waits for the calls, and ends its connections also when they cannot end well: %s", async (end) => {
    const ended = deferred<void>();
    const close = vi.fn();
    const publisher = new PublisherShell({ capabilities, calls: { publish: async () => {}, close: () => ended.promise }, close });
    const ending = publisher[end]();
    await new Promise(setImmediate);
    expect(close).not.toHaveBeenCalled();
    ended.reject(new Error("stuck"));
    await expect(ending).rejects.toThrow("stuck");
    expect(close).toHaveBeenCalledOnce();
  });
});

describe("a pub/sub's shell", () => {
  it("ends its readers, then its publisher, then the rest", async () => {
    const { bus, log } = sides();
    await bus.subscribe("t");
    await bus.close();
    expect(log).toEqual(["subscription closed", "reading ended", "calls ended", "publishing ended", "rest ended"]);
  });

  it.each(["close", Symbol.asyncDispose] as const)("ends the publisher too when the readers cannot end well: %s", async (end) => {
    const { bus, log } = sides({
      close: () => {
        throw new Error("stuck");
      },
    });
    await expect(bus[end]()).rejects.toThrow("stuck");
    expect(log).toEqual(["calls ended", "publishing ended", "rest ended"]);
  });

  it("ends the rest also when the publisher cannot end well", async () => {
    const { subscriber, publisher } = sides();
    publisher.close = () => Promise.reject(new Error("stuck"));
    const close = vi.fn();
    await expect(new PubSubShell({ capabilities, publisher, subscriber, close }).close()).rejects.toThrow("stuck");
    expect(close).toHaveBeenCalledOnce();
  });

  it("gives back what is in hand when it is disposed of", async () => {
    const { bus, source, log } = sides();
    const subscription = await bus.subscribe("t");
    source.session.deliver("a");
    const { value } = await subscription[Symbol.asyncIterator]().next();
    await bus[Symbol.asyncDispose]();
    expect([value.ack(), log.at(-1)]).toEqual([false, "rest ended"]);
  });

  it("passes options on, and has its own capabilities", async () => {
    const provision = vi.fn(async () => {});
    const { bus, subscriber, source, publish, publisher } = sides({ provision });
    const [message, options] = [new Message("a"), { group: "g" }];
    const publishing = { signal: new AbortController().signal };
    await bus.publish("t", message, publishing);
    expect(publish).toHaveBeenCalledExactlyOnceWith("t", message, publishing);
    await bus.provision("t", options);
    expect(provision).toHaveBeenCalledExactlyOnceWith("t", options);
    const subscription = await bus.subscribe("t", options);
    source.session.deliver("a");
    expect((await nextOf(subscription[Symbol.asyncIterator]())).delivery.group).toBe("g");
    const both = Object.freeze({ ...capabilities, replay: true });
    expect(new PubSubShell({ capabilities: both, publisher, subscriber }).capabilities).toBe(both);
    await bus[Symbol.asyncDispose]();
  });

  it("has the questions, and the provisioning, of its subscriber", async () => {
    const { bus, subscriber, log } = sides();
    expect(bus.admin).toBe(subscriber.admin);
    await bus.provision("t");
    expect(log).toEqual(["provisioned"]);
    await bus[Symbol.asyncDispose]();
  });
});
