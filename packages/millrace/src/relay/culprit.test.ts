import { describe, expect, it, vi } from "vitest";
import { PermanentError, PublishError, type PublishOutcome } from "../errors/index.ts";
import { memoryCapabilities } from "../memory/capabilities.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type Middleware } from "../message/index.ts";
import { refusal, refuses, setUp } from "./rig.fixture.ts";

const patiently = { timeout: 5_000, interval: 2 };
const texts = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, index) => `a${from + index}`);

describe("a message that the target refuses", () => {
  it("goes to the dead letter alone: its neighbours of the same call go their way, in order", async () => {
    const { target, dead, relay, publish, close } = await setUp({ failure: { attempts: 2 } });
    target.before = refuses("a4");
    await publish(...texts(1, 6));
    await relay.start();
    await relay.idle();
    expect(target.texts).toEqual(["a1", "a2", "a3", "a5", "a6"]);
    expect(dead.texts).toEqual(["a4"]);
    await close();
  });

  it("lets those before it leave when there is no dead letter, and holds those behind it back, uncounted", async () => {
    const { target, relay, handOuts, publish, close } = await setUp({ failure: { deadLetter: undefined } });
    target.before = refuses("a3");
    await publish(...texts(1, 5));
    await relay.start();
    await vi.waitFor(() => expect(handOuts).toContain("a3#4"), patiently);
    expect(target.texts).toEqual(["a1", "a2"]);
    target.before = () => {};
    await relay.idle();
    expect(target.texts).toEqual(texts(1, 5));
    expect(new Set(handOuts.filter((one) => /^a[1245]/.test(one)))).toEqual(new Set(["a1#1", "a2#1", "a4#1", "a5#1"]));
    await close();
  });

  it("keeps only its own key waiting, above one at a time", async () => {
    const { target, dead, relay, handOuts, publish, close } = await setUp({ concurrency: 4 });
    target.before = refuses("b1", "-2");
    await publish("a1", "b1", "-1", "a2", "b2", "-2", "c1", "b3", "-3", "a3");
    await relay.start();
    await vi.waitFor(() => expect(handOuts).toContain("b1#3"), patiently);
    expect(target.texts).toEqual(["a1", "-1", "a2", "c1", "-3", "a3"]);
    target.before = () => {};
    await relay.idle();
    expect(target.texts.filter((text) => text.startsWith("b"))).toEqual(["b1", "b2", "b3"]);
    expect(target.texts).toHaveLength(10);
    expect(dead.got).toEqual([]);
    expect(handOuts.filter((one) => !one.endsWith("#1") && !/^(b1|-2)#/.test(one))).toEqual([]);
    await close();
  });

  it("loses no neighbour to the dead letter, above one at a time", async () => {
    const { target, dead, relay, publish, close } = await setUp({ concurrency: 4, batch: 10, failure: { attempts: 2 } });
    const all = Array.from({ length: 200 }, (_, index) => `${"abcdefg"[index % 7]}${index}`);
    const bad = all.filter((_text, index) => index % 23 === 0);
    target.before = refuses(...bad);
    await publish(...all);
    await relay.start();
    await relay.idle();
    expect([...dead.texts].sort()).toEqual([...bad].sort());
    for (const key of "abcdefg") {
      expect(target.texts.filter((text) => text.startsWith(key))).toEqual(all.filter((text) => text.startsWith(key) && !bad.includes(text)));
    }
    await close();
  });

  it("is found although the publisher says nothing of single messages, and costs its neighbours at most one attempt", async () => {
    const { target, dead, relay, handOuts, publish, close } = await setUp({ failure: { attempts: 1 } });
    target.before = (_topic, messages) => {
      if (messages.some((message) => message.text() === "a4")) throw new Error("no");
    };
    await publish(...texts(1, 8));
    await relay.start();
    await relay.idle();
    expect(dead.texts).toEqual(["a4"]);
    expect(target.texts).toEqual(["a1", "a2", "a3", "a5", "a6", "a7", "a8"]);
    expect(handOuts.filter((one) => /#[3-9]/.test(one))).toEqual([]);
    await close();
  });

  it("takes nobody along when its error is permanent", async () => {
    const { target, dead, relay, publish, close } = await setUp();
    target.before = (_topic, messages) => {
      if (messages.some((message) => message.text() === "a2")) throw new PermanentError("never");
    };
    await publish(...texts(1, 4));
    await relay.start();
    await relay.idle();
    expect(dead.texts).toEqual(["a2"]);
    expect(target.texts).toEqual(["a1", "a3", "a4"]);
    await close();
  });

  it("may be told from the others by the publisher: confirmed ones are never sent again, unknown ones in order", async () => {
    const { target, dead, relay, publish, close } = await setUp({ concurrency: 2, failure: { attempts: 2 } });
    const fates: Record<string, PublishOutcome> = { a1: "confirmed", b1: "rejected", c1: "unknown", c2: "rejected", d1: "confirmed", "-1": "rejected" };
    target.before = (_topic, messages, call) => {
      if (call === 1) throw new PublishError("mixed", { code: "MIXED", outcomes: messages.map((message) => fates[message.text()] as PublishOutcome) });
      refuses("b1")("", messages);
    };
    await publish("a1", "b1", "c1", "c2", "d1", "-1");
    await relay.start();
    await relay.idle();
    expect([...target.texts].sort()).toEqual(["-1", "a1", "c1", "c2", "d1"]);
    expect(target.texts.indexOf("c1")).toBeLessThan(target.texts.indexOf("c2"));
    expect(dead.texts).toEqual(["b1"]);
    await close();
  });

  it("is refused as often as the failure policy says, whatever middleware makes of one hand-out", async () => {
    const twice: Middleware = (next) => async (message) => {
      try {
        return await next(message);
      } catch {
        return await next(message);
      }
    };
    const { target, dead, relay, handOuts, publish, close } = await setUp({ failure: { attempts: 3 }, middleware: [twice] });
    target.before = refuses("a1");
    await publish("a1");
    await relay.start();
    await relay.idle();
    expect(dead.texts).toEqual(["a1"]);
    expect(handOuts).toEqual(["a1#1", "a1#2", "a1#3"]);
    await close();
  });
});

describe("a target that is down", () => {
  it("gives nothing to the dead letter, costs one call an attempt, and gets everything in order when it is back", async () => {
    const { target, dead, relay, publish, close, health } = await setUp({ failure: { attempts: 2 } });
    let down = true;
    target.before = (_topic, messages) => {
      if (down) throw refusal(messages, "BROKER_UNREACHABLE", "rejected", true);
    };
    await publish(...texts(1, 20));
    await relay.start();
    await vi.waitFor(() => expect(health()?.attempts).toBeGreaterThanOrEqual(6), patiently);
    expect(target.calls.length).toBeLessThanOrEqual((health()?.attempts ?? 0) + 1);
    down = false;
    await relay.idle();
    expect(target.texts).toEqual(texts(1, 20));
    expect(dead.got).toEqual([]);
    await close();
  });

  it("gives nothing to the dead letter either when it is not known what it has taken", async () => {
    const { target, dead, relay, publish, close, health } = await setUp({ concurrency: 3, failure: { attempts: 2 } });
    let down = true;
    target.before = (_topic, messages) => {
      if (down) throw refusal(messages, "SHAKY", "unknown");
    };
    await publish("a1", "b1", "a2", "-1");
    await relay.start();
    await vi.waitFor(() => expect(health()?.attempts).toBeGreaterThanOrEqual(5), patiently);
    down = false;
    await relay.idle();
    expect([...target.texts].sort()).toEqual(["-1", "a1", "a2", "b1"]);
    expect(dead.got).toEqual([]);
    await close();
  });

  it("uses up no attempt of a message that is refused when it is back", async () => {
    const { target, dead, relay, publish, close, health } = await setUp({ failure: { attempts: 3 } });
    let [down, refusals] = [true, 0];
    target.before = (_topic, messages) => {
      if (down) throw refusal(messages, "CONNECTION_LOST", "unknown", true);
      if (messages.some((message) => message.text() === "a1") && ++refusals > 0) throw refusal(messages);
    };
    await publish("a1", "a2");
    await relay.start();
    await vi.waitFor(() => expect(health()?.attempts).toBeGreaterThanOrEqual(5), patiently);
    down = false;
    await relay.idle();
    expect(dead.texts).toEqual(["a1"]);
    expect(target.texts).toEqual(["a2"]);
    expect(refusals).toBe(3);
    await close();
  });

  it("stops a run that is sent one by one as soon as it goes down", async () => {
    const { target, dead, relay, publish, close } = await setUp({ concurrency: 10, failure: { attempts: 2 } });
    target.before = (_topic, messages, call) => {
      if (call === 1) throw refusal(messages);
      if (call === 3) throw refusal(messages, "CONNECTION_LOST", "unknown", true);
    };
    await publish("a1", "b1", "c1", "d1", "e1");
    await relay.start();
    await vi.waitFor(() => expect(target.texts).toHaveLength(5), patiently);
    expect(target.calls.slice(0, 3).map(({ count }) => count)).toEqual([5, 1, 1]);
    expect(target.texts[0]).toBe("a1");
    expect([...target.texts].sort()).toEqual(["a1", "b1", "c1", "d1", "e1"]);
    expect(dead.got).toEqual([]);
    await close();
  });
});

describe("a run", () => {
  it("is of one topic: what a run of another topic leaves unsent is not overtaken", async () => {
    const { bus, target, relay, close } = await setUp({ failure: { attempts: 2 } });
    const to = (text: string, topic: string): Message => new Message(text, { id: text, metadata: { to: topic } });
    target.before = refuses("2");
    await bus.publish("in", [to("1", "x"), to("2", "x"), to("3", "y"), to("4", "x")]);
    await relay.start();
    await relay.idle();
    expect(target.got.map(({ topic, text }) => `${topic}${text}`)).toEqual(["x1", "y3", "x4"]);
    await close();
  });
});

describe("a relay without a group", () => {
  it("has its name for one, shared with its like on purpose: no warning says so on a durable broker", async () => {
    const bus = new MemoryPubSub();
    const groups: (string | undefined)[] = [];
    const durable = Object.defineProperty(bus, "capabilities", { value: { ...memoryCapabilities, durable: true } });
    const subscribe = bus.subscribe.bind(bus);
    bus.subscribe = (topic, options) => {
      groups.push(options?.group);
      return subscribe(topic, options);
    };
    const { relay, logger, close } = await setUp({ subscriber: durable, group: undefined });
    await relay.start();
    expect(groups).toEqual(["relay"]);
    expect(logger.at("warn")).toEqual([]);
    await close();
    await bus.close();
  });
});
