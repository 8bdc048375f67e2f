import { describe, expect, it, vi } from "vitest";
import { MillraceError } from "../../errors/index.ts";
import { type BrokerAdmin, type Capabilities, Message } from "../../message/index.ts";
import { HandSource } from "../hand-source.fixture.ts";
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

  it("has the questions, and the provisioning, of its subscriber", async () => {
    const { bus, subscriber, log } = sides();
    expect(bus.admin).toBe(subscriber.admin);
    await bus.provision("t");
    expect(log).toEqual(["provisioned"]);
    await bus[Symbol.asyncDispose]();
  });
});
