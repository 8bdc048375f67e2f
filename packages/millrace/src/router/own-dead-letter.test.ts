import { describe, expect, it } from "vitest";
import { OptionError } from "../errors/index.ts";
import { FanIn } from "../fan-in/index.ts";
import { Forwarder } from "../forwarder/index.ts";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { transformPublisher, transformSubscriber } from "../message/index.ts";
import { poisonQueue } from "../middleware/poison-queue.ts";
import { Router } from "./index.ts";
import { Rig } from "./rig.fixture.ts";

const handle = (): void => {};
const refused = (what: string): unknown => expect.objectContaining({ code: "BAD_OPTION", message: expect.stringMatching(`${what} .*"t".*name another topic`) });

/** What `call` throws. */
function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("it was let pass");
}

describe("a dead letter to a topic that the handler reads itself", () => {
  const bus = new MemoryPubSub();
  const failure = { deadLetter: { publisher: bus, topic: "t" } };
  const behind = { publisher: transformPublisher(() => {})(bus), subscriber: transformSubscriber(() => {})(bus) };

  it.each([
    ["of the router's policy", () => new Router({ subscriber: bus, failure }).addConsumerHandler({ name: "a", subscribe: "t", handle })],
    ["of its own policy", () => new Router({ subscriber: bus }).addBatchHandler({ name: "a", subscribe: "t", size: 1, maxWaitMs: 1, failure, handle })],
    ["among several topics", () => new Router({ subscriber: bus, failure }).addConsumerHandler({ name: "a", subscribe: ["s", "t"], handle })],
    ["behind a decorated subscriber", () => new Router({ subscriber: behind.subscriber, failure }).addConsumerHandler({ name: "a", subscribe: "t", handle })],
    [
      "of a decorated publisher",
      () => {
        const deadLetter = { publisher: behind.publisher, topic: "t" };
        new Router({ failure: { deadLetter } }).addConsumerHandler({ name: "a", subscribe: { subscriber: bus, topic: "t" }, handle });
      },
    ],
    ["of a fan-in", () => new FanIn({ subscriber: bus, publisher: bus, sources: ["s", "t"], target: "all", failure })],
    ["of a forwarder", () => new Forwarder({ subscriber: bus, publisher: bus, topic: "t", ...failure })],
  ])("%s is refused at once, with the cure", (_title, make) => {
    const error = thrown(make);
    expect(error).toBeInstanceOf(OptionError);
    expect(error).toEqual(refused("failure.deadLetter"));
  });

  it.each(["router", "handler"])("of a poisonQueue of the %s is refused at the start, with the cure", async (where) => {
    const router = new Router({ subscriber: bus, logger: silentLogger });
    const queue = poisonQueue({ publisher: bus, topic: "t" });
    router.addConsumerHandler({ name: "a", subscribe: "t", handle, ...(where === "handler" ? { middleware: [queue] } : {}) });
    if (where === "router") router.addMiddleware(queue);
    await expect(router.start()).rejects.toEqual(refused("a poisonQueue"));
    await router.close();
  });

  it("is fine with a topic of its own in place of the router's, and for another handler", async () => {
    await using rig = new Rig({ failure: { deadLetter: { publisher: bus, topic: "dead" } } });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle });
    rig.router.addConsumerHandler({ name: "b", subscribe: "dead", failure: { deadLetter: { publisher: bus, topic: "dead again" } }, handle });
    await rig.router.start();
    expect(rig.logger.at("warn")).toEqual([]);
  });

  it("is told of at the start where another pub/sub has a topic of the same name", async () => {
    await using rig = new Rig({ failure });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle });
    await rig.router.start();
    expect(rig.logger.saying("the dead letter has the name of a topic that the handler reads").map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ handler: "a", deadLetter: "t" }),
    ]);
  });
});
