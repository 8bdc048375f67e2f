import { describe, expect, it } from "vitest";
import { FanIn } from "../fan-in/index.ts";
import { deferred } from "../internal/deferred.ts";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "../message/index.ts";
import { Target } from "../relay/target.fixture.ts";
import { Forwarder, ForwardingPublisher } from "./index.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a graceful restart during which the target fails once", () => {
  it.each(["forwarder", "fan-in"])("keeps the order of a %s with all defaults", async (kind) => {
    const outbox = new MemoryPubSub({ persistent: true });
    const target = new Target();
    const [reached, release] = [deferred<void>(), deferred<void>()];
    target.before = async (_topic, _messages, call) => {
      if (call > 1) return;
      reached.resolve();
      await release.promise;
      throw new Error("down for a moment");
    };
    const options = { subscriber: outbox, publisher: target, logger: silentLogger };
    const relay = kind === "forwarder" ? new Forwarder(options) : new FanIn({ ...options, sources: ["outbox"], target: "orders" });
    const publisher = new ForwardingPublisher({ publisher: outbox });
    const publish = (text: string): Promise<void> => {
      const message = new Message(text, { key: "k" });
      return kind === "forwarder" ? publisher.publish("orders", message) : outbox.publish("outbox", message);
    };
    await relay.start();
    await publish("1");
    await reached.promise;
    await publish("2");
    await publish("3");
    await turn(); // 2 and 3 are in the relay's hands, behind 1
    const closing = relay.close();
    await turn();
    release.resolve();
    await closing;
    await relay.start();
    await relay.idle();
    expect(target.texts).toEqual(["1", "2", "3"]);
    await relay.close();
    await outbox.close();
  });
});
