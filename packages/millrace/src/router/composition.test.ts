import { describe, expect, it } from "vitest";
import type { OptionError } from "../errors/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type Middleware, type Subscriber, transformPublisher, transformSubscriber } from "../message/index.ts";
import { timeout } from "../middleware/index.ts";
import { type PublisherDecorator, Router, type SubscriberDecorator } from "./index.ts";
import { HandPublisher, HandSubscriber, outputOf, Rig } from "./rig.fixture.ts";

/** Notes when it is entered and left. */
function traced(name: string, trace: string[]): Middleware {
  return (next) => async (message) => {
    trace.push(`>${name}`);
    try {
      return await next(message);
    } finally {
      trace.push(`<${name}`);
    }
  };
}

describe("middleware", () => {
  it("works from the outside in: the router's in order of addition, then the handler's", async () => {
    await using rig = new Rig();
    const trace: string[] = [];
    rig.router.addMiddleware(traced("r1", trace), traced("r2", trace));
    const handle = rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      middleware: [traced("h1", trace)],
      handle: () => void trace.push("handler"),
    });
    handle.addMiddleware(traced("h2", trace));
    await rig.router.start();
    await rig.send("t", "x");
    await rig.router.idle();
    expect(trace).toEqual([">r1", ">r2", ">h1", ">h2", "handler", "<h2", "<h1", "<r2", "<r1"]);
  });

  it("is composed once, when the handler starts, not once a message", async () => {
    await using rig = new Rig();
    let composed = 0;
    rig.router.addMiddleware((next) => {
      composed++;
      return next;
    });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await rig.router.start();
    await rig.send("t", "1", "2", "3");
    await rig.router.idle();
    expect(composed).toBe(1);
  });

  it("of a handler stays with that handler: another one of its name does not inherit it", async () => {
    await using rig = new Rig();
    const trace: string[] = [];
    const first = rig.router.addConsumerHandler({ name: "a", subscribe: "t", middleware: [traced("old", trace)], handle: () => {} });
    await rig.router.start();
    await first.stop();
    await rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => void trace.push("new") }).started;
    await rig.send("t", "x");
    await rig.router.idle();
    expect(trace).toEqual(["new"]);
  });

  it("added while the router runs is for handlers that start afterwards, and a started handler refuses it", async () => {
    await using rig = new Rig();
    const trace: string[] = [];
    const early = rig.router.addConsumerHandler({ name: "early", subscribe: "t", handle: () => {} });
    await rig.router.start();
    rig.router.addMiddleware(traced("late", trace));
    expect(() => early.addMiddleware(traced("own", trace))).toThrow(expect.objectContaining({ code: "HANDLER_STARTED" }));
    await rig.router.addConsumerHandler({ name: "late", subscribe: "u", handle: () => {} }).started;
    await rig.send("t", "x");
    await rig.router.idle();
    expect(trace).toEqual([]);
    await rig.send("u", "x");
    await rig.router.idle();
    expect(trace).toEqual([">late", "<late"]);
  });
});

describe("decorators", () => {
  const marking = (name: string): readonly [PublisherDecorator, SubscriberDecorator] => {
    const mark = (message: Message): void => void message.metadata.set("path", `${message.metadata.get("path") ?? ""}${name}`);
    return [transformPublisher(mark), transformSubscriber(mark)];
  };

  it("work in order of addition, on the way in and on the way out, also for handlers added while running", async () => {
    await using rig = new Rig();
    const [[outOne, inOne], [outTwo, inTwo]] = [marking("1"), marking("2")];
    rig.router.addPublisherDecorators(outOne, outTwo).addSubscriberDecorators(inOne, inTwo);
    const seen: (string | undefined)[] = [];
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: "out",
      handle: (m) => {
        seen.push(m.metadata.get("path"));
        return new Message("y");
      },
    });
    await rig.router.start();
    rig.router.addConsumerHandler({ name: "late", subscribe: "u", handle: (m) => void seen.push(m.metadata.get("path")) });
    await rig.router.idle();
    const { messages } = await outputOf(rig.bus, "out");
    await rig.send("t", "x");
    await rig.router.idle();
    await rig.send("u", "x");
    await rig.router.idle();
    expect([seen, messages.map((message) => message.metadata.get("path"))]).toEqual([["12", "12"], ["12"]]);
  });

  it("are applied once, however often a start failed before", async () => {
    const subscriber = new HandSubscriber();
    const { subscribe } = subscriber;
    let refusals = 2;
    subscriber.subscribe = async (topic, options) => {
      if (refusals-- > 0) throw new Error("not yet");
      return await subscribe.call(subscriber, topic, options);
    };
    await using rig = new Rig({ subscriber });
    let layers = 0;
    rig.router.addSubscriberDecorators((inner) => {
      layers = inner === subscriber ? 1 : layers + 1;
      return { subscribe: (topic, options) => inner.subscribe(topic, options), close: () => inner.close(), [Symbol.asyncDispose]: () => inner.close() };
    });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    for (const _ of [1, 2]) await expect(rig.router.start()).rejects.toThrow("not yet");
    await rig.router.start();
    expect(layers).toBe(1);
  });

  it("do not close what they wrap when a handler stops", async () => {
    const publisher = new HandPublisher();
    await using rig = new Rig({ publisher });
    rig.router.addPublisherDecorators(transformPublisher(() => {}));
    const handle = rig.router.addHandler({ name: "a", subscribe: "t", publish: "out", handle: () => undefined });
    await rig.router.start();
    await handle.stop();
    expect(publisher.closed).toBe(0);
  });
});

describe("the context", () => {
  it("of a consumed message names its handler and where its results go; of a produced one, what its publishers are told", async () => {
    const publisher = new HandPublisher();
    await using rig = new Rig({ publisher });
    const seen: object[] = [];
    rig.router.addMiddleware((next) => (message) => {
      seen.push(message.delivery);
      return next(message);
    });
    rig.router.addHandler({ name: "a", group: "g", subscribe: "t", publish: "out", handle: () => new Message("y") });
    rig.router.addConsumerHandler({ name: "b", subscribe: "u", handle: () => {} });
    await rig.router.start();
    await rig.send("t", "x");
    await rig.send("u", "x");
    await rig.router.idle();
    expect(seen).toEqual([
      expect.objectContaining({ handler: "a", group: "g", topic: "t", publishTopic: "out", attempt: 1 }),
      expect.objectContaining({ handler: "b", group: "b", topic: "u", publishTopic: undefined, attempt: 1 }),
    ]);
    expect(publisher.calls[0]?.options?.producer).toEqual({ service: undefined, handler: "a", group: "g" });
  });
});

describe("a handler's options", () => {
  it("are refused all at once, by name", () => {
    const router = new Router();
    const bad = {
      name: "",
      subscribe: "t",
      publish: "",
      concurrency: 0,
      pipeline: -1,
      abandonAfterMs: -1,
      failure: { attempts: 0 },
      middleware: [1],
      handle: 1,
    };
    let problems: readonly string[] = [];
    try {
      router.addHandler(bad as never);
    } catch (error) {
      problems = (error as OptionError).problems;
    }
    for (const name of ["name", "subscriber", "publish", "concurrency", "pipeline", "abandonAfterMs", "failure.attempts", "middleware", "handle"]) {
      expect(problems.some((problem) => problem.includes(name))).toBe(true);
    }
  });

  it("are refused when the name is taken, while the other handler is there", async () => {
    await using rig = new Rig();
    const options = { name: "a", subscribe: "t", handle: () => {} };
    const handle = rig.router.addConsumerHandler(options);
    expect(() => rig.router.addConsumerHandler(options)).toThrow(expect.objectContaining({ code: "BAD_OPTION" }));
    await handle.stop();
    rig.router.addConsumerHandler(options);
  });

  it("may set a time limit as long as the broker holds a message for, and none above it", async () => {
    for (const [limit, starts] of [
      [1000, true],
      [1001, false],
    ] as const) {
      const subscriber: Subscriber = Object.assign(new HandSubscriber(), { capabilities: { ...new MemoryPubSub().capabilities, maxHandlingMs: 1000 } });
      await using rig = new Rig({ subscriber });
      rig.router.addConsumerHandler({ name: "a", subscribe: "t", middleware: [timeout(limit)], handle: () => {} });
      const started = rig.router.start();
      if (starts) await started;
      else await expect(started).rejects.toMatchObject({ code: "BAD_OPTION", problems: [expect.stringContaining("1001 ms")] });
    }
  });

  it("are taken as they are when it is added: a list of topics may be used for something else afterwards", () => {
    const router = new Router({ subscriber: new HandSubscriber() });
    const topics = ["t", "u"];
    router.addConsumerHandler({ name: "a", subscribe: topics, handle: () => {} });
    topics.push("v");
    expect(router.describe().handlers[0]?.subscribe.map(({ topic }) => topic)).toEqual(["t", "u"]);
  });

  it("are functions where something is added, and what is none is refused at once, by its place", () => {
    const router = new Router();
    const none = {} as never;
    for (const add of ["addMiddleware", "addPlugin", "addPublisherDecorators", "addSubscriberDecorators"] as const) {
      const call = (...given: never[]): unknown => (router[add] as (...given: never[]) => unknown).apply(router, given);
      expect(() => call((() => {}) as never, none)).toThrow(`router.${add}: argument 2 must be a function, got an object`);
    }
  });

  it("of the router are refused all at once", () => {
    const bad = { subscriber: {}, publisher: {}, owns: [1], drainTimeoutMs: -1, logger: {}, failure: { attempts: 0 } };
    expect(() => new Router(bad as never)).toThrow(/subscriber.*publisher.*drainTimeoutMs.*logger.*owns.*failure\.attempts/);
  });
});
